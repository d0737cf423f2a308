import {
  controlMethod,
  serveControl,
  systemClock,
  type Clock,
  type Logger,
  type Timer,
} from '@offhook/common';
import { linkSocket, linksSocket } from '../daemon-paths.ts';
import { LINK_CHANGED, linkMethods } from './api.ts';
import { Link } from './link.ts';

export interface ServeLinkOptions {
  readonly stateDir: string;
  readonly id: string;
  readonly port: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Milliseconds that it waits for the first who attends it. */
const FIRST_MS = 10_000;
/** Milliseconds after the last: an engine that is started again finds it still there. */
const LAST_MS = 1000;

export interface RunningLink {
  /** Resolves when nobody attends it any more. */
  readonly unattended: Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The link of a desktop as a process: its control socket, and an end when nobody is there for it. */
export async function serveLink(options: ServeLinkOptions): Promise<RunningLink> {
  const { stateDir, id, port, logger, clock = systemClock } = options;
  const link = new Link({
    id,
    port,
    clock,
    logger,
    enginePath: linksSocket(stateDir),
    onChange: () => control?.publish(LINK_CHANGED, link.report),
  });
  const unattended = Promise.withResolvers<void>();
  let attendants = 0;
  let timer: Timer | undefined = clock.after(FIRST_MS, unattended.resolve);

  const attend = async (signal: AbortSignal): Promise<void> => {
    attendants += 1;
    timer?.cancel();
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', resolve, { once: true });
    });
    attendants -= 1;
    if (attendants === 0) timer = clock.after(LAST_MS, unattended.resolve);
  };

  let control: Awaited<ReturnType<typeof serveControl>> | undefined;
  try {
    control = await serveControl({
      path: linkSocket(stateDir, id),
      logger,
      methods: {
        status: controlMethod({ ...linkMethods.status, handle: () => link.report }),
        use: controlMethod({
          ...linkMethods.use,
          handle: ({ desktop, ticket }) => {
            link.use(desktop, ticket);
            return {};
          },
        }),
        admit: controlMethod({ ...linkMethods.admit, handle: () => link.admit() }),
        attend: controlMethod({
          ...linkMethods.attend,
          handle: async (who, { signal }) => {
            const release =
              who.as === 'engine' ? link.keepHeadless() : () => link.revoke(who.admission);
            try {
              await attend(signal);
            } finally {
              release();
            }
            return {};
          },
        }),
      },
    });
  } catch (error) {
    timer.cancel();
    await link.close();
    throw error;
  }
  return {
    unattended: unattended.promise,
    close: async () => {
      timer?.cancel();
      await control?.close();
      await link.close();
    },
  };
}
