import { setImmediate } from 'node:timers/promises';
import { ManualClock, silentLogger } from '@offhook/common';
import type { MediaEvents, MethodInput, MethodName, MethodResult } from '@offhook/media-rpc';
import { methods } from '@offhook/media-rpc';
import { defineEngineConfig, type EngineConfigInput } from '../../src/config.ts';
import { Engine } from '../../src/engine.ts';
import type { GuestEngine } from '../../src/guest-engine.ts';
import { noSettings, type SettingsStore } from '../../src/settings.ts';
import type { WillSender } from '../../src/will/will-sender.ts';
import { MemoryPlane, type MemoryWorker } from './memory-plane.ts';

/** A guest's connection, as the RPC layer drives it: parameters are validated, events collected. */
export class TestGuest {
  readonly view: GuestEngine;
  readonly events: { name: keyof MediaEvents; event: never }[] = [];

  constructor(view: GuestEngine) {
    this.view = view;
    const names = [
      'session.changed',
      'session.stats',
      'session.dtmf',
      'session.rtpTimeout',
      'session.renegotiate',
      'session.hangup',
      'session.released',
      'session.ended',
      'headset.button',
      'engine.health',
      'devices.changed',
    ] as const;
    for (const name of names) {
      view.on(name, (event) => this.events.push({ name, event: event as never }));
    }
  }

  /** Resolves when what the engine does after its answer has been set in motion, too. */
  async call<M extends MethodName>(method: M, params: MethodInput<M>): Promise<MethodResult<M>> {
    const parsed = methods[method].params.parse(params);
    const { signal } = new AbortController();
    try {
      return await this.view.handle(method, parsed as never, { signal });
    } finally {
      await setImmediate();
      await setImmediate();
    }
  }

  of<K extends keyof MediaEvents>(name: K): MediaEvents[K][] {
    return this.events.filter((entry) => entry.name === name).map(({ event }) => event);
  }
}

export interface TestEngine {
  readonly engine: Engine;
  readonly plane: MemoryPlane;
  readonly clock: ManualClock;
  readonly guest: (instance?: string, local?: boolean) => TestGuest;
}

export async function startTestEngine(
  options: {
    config?: EngineConfigInput;
    worker?: MemoryWorker;
    clock?: ManualClock;
    local?: string;
    machine?: () => ReadonlySet<string>;
    towards?: () => string;
    state?: SettingsStore;
    sendWill?: WillSender;
  } = {},
): Promise<TestEngine> {
  const plane = new MemoryPlane(options.worker);
  const clock = options.clock ?? new ManualClock();
  const engine = await Engine.start({
    plane,
    clock,
    config: defineEngineConfig({ ...options.config }),
    settings: noSettings,
    ...(options.state && { state: options.state }),
    ...(options.sendWill && { sendWill: options.sendWill }),
    logger: silentLogger,
    addresses: {
      towards: () => Promise.resolve(options.towards?.() ?? options.local ?? '192.0.2.10'),
    },
    machine: options.machine ?? (() => new Set([options.local ?? '192.0.2.10'])),
  });
  return {
    engine,
    plane,
    clock,
    guest: (instance = 'guest-1', local = false) =>
      new TestGuest(engine.attach({ instance, local })),
  };
}

export const origin = { username: 'alice', sessionId: '42', version: 1 };
