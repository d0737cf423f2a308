import { systemClock } from '@offhook/common';
import { EVENTS_KEPT, siteStoreConformance } from '../../src/site/conformance.ts';
import { MemorySite } from '../../src/site/memory-store.ts';

siteStoreConformance('memory', async () => {
  const site = new MemorySite({ clock: systemClock, eventsKept: EVENTS_KEPT, leaseMs: 200 });
  return { join: () => site.join(), close: () => Promise.resolve() };
});
