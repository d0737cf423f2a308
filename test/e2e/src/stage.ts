import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  EngineProcess,
  freePorts,
  MediaPeer,
  Sipp,
  UdpRelay,
  until,
  type SippOptions,
} from '@offhook/test-sipp';
import type { Accelerator } from './accelerator.ts';
import { engineLogs, readEngineLog, type LogLine } from './engine-log.ts';
import { HOST, type Pbx } from './pbx.ts';
import type { Scenario } from './scenario.ts';
import { Vm, type VmOptions } from './vm.ts';

export const TICKET = 'sekret';
/** What the engine has for a microphone, and what the far end plays. */
const MICROPHONE_HZ = 440;
const FAR_END_HZ = 1000;

export interface Placed {
  readonly sipp: Sipp;
  readonly far: MediaPeer;
  readonly call: string;
}

/** What all hosts have in common, as far as nothing else is said. */
export type Machine = Omit<VmOptions, 'name'>;

/** What a scenario has: the desktop, an engine at it, and far ends of calls. */
export class Stage {
  readonly directory: string;
  readonly pbx: Pbx;
  readonly #machine: Machine;
  readonly #used: { stop(): Promise<unknown> }[] = [];
  #vm: Vm;
  #engine: EngineProcess | undefined;
  #count = 0;

  constructor(vm: Vm, machine: Machine, pbx: Pbx) {
    this.#vm = vm;
    this.#machine = machine;
    this.pbx = pbx;
    this.directory = machine.directory;
  }

  get accelerator(): Accelerator {
    return this.#machine.accelerator;
  }

  /** Where the desktop is now. */
  get vm(): Vm {
    return this.#vm;
  }

  /** Runs a scenario, and ends what it has used. */
  async perform(scenario: Scenario): Promise<void> {
    try {
      await scenario.run(this);
    } finally {
      await Promise.all(this.#used.splice(0).map((one) => one.stop()));
    }
    const left = await this.vm.phone.leftovers(20_000);
    if (left !== undefined) throw new Error(left);
  }

  /** After a failure: no calls, and an engine that begins anew. */
  async recover(): Promise<void> {
    await this.stopEngine();
    await this.vm.reachPhone();
    for (const { id } of await this.vm.phone.calls()) {
      await this.vm.phone.hangup(id).catch(() => undefined);
    }
    const left = await this.vm.phone.leftovers(40_000);
    if (left !== undefined) throw new Error(`the phone does not recover: ${left}`);
  }

  /** There is an engine at the desktop, and the phone has it. */
  async linked(): Promise<void> {
    if (this.#engine === undefined) await this.startEngine();
    await this.vm.phone.engineConnected(60_000);
  }

  get engine(): EngineProcess {
    if (this.#engine === undefined) throw new Error('no engine runs');
    return this.#engine;
  }

  /** `offhook-engine run --spice`, again with the state of the one before. */
  async startEngine(
    source = `spice://127.0.0.1:${this.vm.spice.port}?password=${TICKET}`,
  ): Promise<void> {
    await this.stopEngine();
    this.#engine = await EngineProcess.start({
      directory: this.directory,
      config: { rtp: { address: '127.0.0.1' } },
      args: ['--spice', source],
    });
  }

  /** Another engine at the same desktop, with a state of its own. */
  async secondEngine(): Promise<EngineProcess> {
    const directory = join(this.directory, `second-${++this.#count}`);
    await mkdir(directory);
    const engine = await EngineProcess.start({
      directory,
      config: { rtp: { address: '127.0.0.1' } },
      args: ['--spice', `spice://127.0.0.1:${this.vm.spice.port}?password=${TICKET}`],
    });
    return this.use(engine);
  }

  /** What is on the desktop's screen changes all the time, as long as the scenario runs. */
  async draws(): Promise<void> {
    await this.vm.draws(true);
    this.use({ stop: () => this.vm.draws(false) });
  }

  async killEngine(): Promise<void> {
    const { process: engine } = this.engine;
    const { pid } = engine;
    engine.killNow();
    // Its pipes stay open in the worker, which plays on: only the process itself is waited for.
    await until('the engine to be gone', () => !isAlive(pid), { within: 5000 });
    this.#engine = undefined;
  }

  async stopEngine(): Promise<void> {
    await this.#engine?.stop();
    this.#engine = undefined;
  }

  /** Waits for a line of an engine's log, from `since` (of `Date.now()`) on. */
  engineLogs(message: string, since: number, within: number): Promise<LogLine> {
    return engineLogs(this.directory, message, since, within);
  }

  async engineHasLogged(message: string, since: number): Promise<boolean> {
    const lines = await readEngineLog(this.directory);
    return lines.some((line) => line.at >= since && line.message === message);
  }

  /** Another host, to which the desktop can move. */
  async anotherHost(options: { seamless: boolean; certificates?: string }): Promise<Vm> {
    this.#count += 1;
    const name = `host-${this.#count}`;
    const host = await Vm.waiting({ ...this.#machine, ...options, name });
    this.#used.push({ stop: async () => (host === this.#vm ? undefined : host.stop()) });
    return host;
  }

  /** The desktop is on a host that does, or does not, offer seamless migration; with an engine. */
  async standsAt(options: { seamless: boolean }): Promise<void> {
    if (this.vm.seamless !== options.seamless) {
      await this.stopEngine();
      const host = await this.anotherHost(options);
      await this.moveTo(host);
    }
    await this.linked();
  }

  /** The desktop moves to that host; the one where it was is shut down. */
  async moveTo(host: Vm): Promise<void> {
    await this.vm.moveTo(host);
    await this.#arriveAt(host);
  }

  async #arriveAt(vm: Vm): Promise<void> {
    const before = this.#vm;
    this.#vm = vm;
    await before.stop();
    await vm.reachPhone();
  }

  async close(): Promise<void> {
    await this.stopEngine();
    await this.vm.stop();
  }

  /** The phone calls a SIPp on the host. */
  async place(scenario: string): Promise<Placed> {
    const { far, options } = await this.#farEnd(scenario);
    const port = await freePorts(1);
    // QEMU's network sends from another port when the desktop has moved; SIPp would not follow.
    const relay = await UdpRelay.open({
      address: '127.0.0.1',
      target: { address: '127.0.0.1', port },
      loss: 0,
      seed: 1,
    });
    this.use({ stop: async () => relay.close() });
    const contact = { address: HOST, port: relay.port };
    const sipp = this.use(await Sipp.start({ ...options, port, contact }));
    // On a busy machine an emulated guest may miss a beat.
    await this.vm.phone.engineConnected(60_000);
    const { id } = await this.vm.phone.dial(sipp.uri());
    await this.vm.phone.becomes(id, 'established', 40_000);
    return { sipp, far, call: id };
  }

  /** A SIPp on the host calls the phone, which takes the call. */
  async receive(scenario: string): Promise<Placed> {
    const { far, options } = await this.#farEnd(scenario);
    const since = this.vm.phone.eventMark;
    const remote = { address: '127.0.0.1', port: this.vm.sipPort };
    const sipp = this.use(await Sipp.start({ ...options, remote }));
    const { id } = await this.vm.phone.rings(since, { within: 40_000 });
    await this.vm.phone.call('call.answer', { call: id });
    await this.vm.phone.becomes(id, 'established', 40_000);
    return { sipp, far, call: id };
  }

  /** A call out with sound both ways; the far end has not missed a packet of it by `check`. */
  async talking(): Promise<Placed & { check: () => void }> {
    const placed = await this.place('uas-answer.xml');
    await this.soundBothWays(placed);
    const { capture } = placed.far;
    const mark = Math.max(0, capture.mark - 1);
    return {
      ...placed,
      check() {
        const { lost, longestJumpMs, streams, packets } = capture.continuity(mark);
        if (lost === 0 && longestJumpMs === 0 && streams === 1) return;
        throw new Error(
          `the far end missed ${lost} of ${packets} packets, a jump of ${longestJumpMs} ms, in ${streams} streams`,
        );
      },
    };
  }

  /** Each side hears the other's tone from now on. */
  async soundBothWays({ far }: Placed): Promise<void> {
    const mark = await this.engine.mark();
    await Promise.all([
      far.hears(MICROPHONE_HZ, { mark: far.capture.mark, within: 20_000 }),
      this.engine.plays(FAR_END_HZ, { mark, within: 20_000 }),
    ]);
  }

  async hangUp({ sipp, call }: Placed): Promise<void> {
    await this.vm.phone.hangup(call);
    await this.vm.phone.becomes(call, 'ended', 40_000);
    await sipp.done();
  }

  /** Stops with the scenario. */
  use<T extends { stop(): Promise<unknown> }>(one: T): T {
    this.#used.push(one);
    return one;
  }

  async #farEnd(scenario: string): Promise<{ far: MediaPeer; options: SippOptions }> {
    this.#count += 1;
    const far = await MediaPeer.open({ address: '127.0.0.1', toneHz: FAR_END_HZ });
    this.use({ stop: async () => far.close() });
    const options: SippOptions = {
      scenario,
      transport: 'udp',
      address: '127.0.0.1',
      media: far,
      // The guest's processor is emulated and slow: what takes long is not lost, and not sent again.
      extra: ['-d', '3000', '-nr'],
      deadlineMs: 240_000,
      directory: this.directory,
      name: `${this.#count}-${scenario.replace('.xml', '')}`,
    };
    return { far, options };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
