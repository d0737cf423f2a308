import {
  EngineProcess,
  freePorts,
  MediaPeer,
  Sipp,
  until,
  type SippOptions,
} from '@offhook/test-sipp';
import type { Scenario } from './scenario.ts';
import type { Vm } from './vm.ts';

export const TICKET = 'sekret';
/** What the engine has for a microphone, and what the far end plays. */
const MICROPHONE_HZ = 440;
const FAR_END_HZ = 1000;
/** How the guest reaches the host. */
const HOST = '10.0.2.2';

export interface Placed {
  readonly sipp: Sipp;
  readonly far: MediaPeer;
  readonly call: string;
}

/** What a scenario has: the desktop, an engine at it, and far ends of calls. */
export class Stage {
  readonly vm: Vm;
  readonly #directory: string;
  readonly #used: { stop(): Promise<unknown> }[] = [];
  #engine: EngineProcess | undefined;
  #count = 0;

  constructor(vm: Vm, directory: string) {
    this.vm = vm;
    this.#directory = directory;
  }

  /** Runs a scenario, and ends what it has used. */
  async perform(scenario: Scenario): Promise<void> {
    try {
      await scenario.run(this);
    } finally {
      await this.#clear();
    }
    const left = await this.vm.phone.leftovers(10_000);
    if (left !== undefined) throw new Error(left);
  }

  /** After a failure: no calls, and an engine that begins anew. */
  async recover(): Promise<void> {
    await this.stopEngine();
    for (const { id } of await this.vm.phone.calls()) {
      await this.vm.phone.hangup(id).catch(() => undefined);
    }
    const left = await this.vm.phone.leftovers(40_000);
    if (left !== undefined) throw new Error(`the phone does not recover: ${left}`);
  }

  /** There is an engine with the right ticket, and the phone has it. */
  async linked(): Promise<void> {
    if (this.#engine === undefined) await this.startEngine();
    await this.vm.phone.engineConnected(20_000);
  }

  get engine(): EngineProcess {
    if (this.#engine === undefined) throw new Error('no engine runs');
    return this.#engine;
  }

  /** `offhook-engine run --spice`, again with the state of the one before. */
  async startEngine(ticket = TICKET): Promise<void> {
    this.#engine = await EngineProcess.start({
      directory: this.#directory,
      config: { rtp: { address: '127.0.0.1' } },
      args: ['--spice', `spice://127.0.0.1:${this.vm.spice.port}?password=${ticket}`],
    });
  }

  async killEngine(): Promise<void> {
    const { process: engine } = this.engine;
    const { pid } = engine;
    engine.killNow();
    // Its pipes stay open in the worker, which plays on: only the process itself is waited for.
    await until('the engine to be gone', () => !isAlive(pid), { within: 5000 });
  }

  async stopEngine(): Promise<void> {
    await this.#engine?.stop();
    this.#engine = undefined;
  }

  async close(): Promise<void> {
    await this.stopEngine();
    await this.vm.stop();
  }

  /** The phone calls a SIPp on the host. */
  async place(scenario: string): Promise<Placed> {
    const { far, options } = await this.#farEnd(scenario);
    const port = await freePorts(1);
    const sipp = this.#use(
      await Sipp.start({ ...options, port, contact: { address: HOST, port } }),
    );
    const { id } = await this.vm.phone.dial(sipp.uri());
    await this.vm.phone.becomes(id, 'established', 15_000);
    return { sipp, far, call: id };
  }

  /** A SIPp on the host calls the phone, which takes the call. */
  async receive(scenario: string): Promise<Placed> {
    const { far, options } = await this.#farEnd(scenario);
    const since = this.vm.phone.eventMark;
    const remote = { address: '127.0.0.1', port: this.vm.sipPort };
    const sipp = this.#use(await Sipp.start({ ...options, remote }));
    const { id } = await this.vm.phone.rings(since, { within: 15_000 });
    await this.vm.phone.call('call.answer', { call: id });
    await this.vm.phone.becomes(id, 'established', 15_000);
    return { sipp, far, call: id };
  }

  /** Each side hears the other's tone from now on. */
  async soundBothWays({ far }: Placed): Promise<void> {
    const mark = await this.engine.mark();
    await Promise.all([
      far.hears(MICROPHONE_HZ, { mark: far.capture.mark, within: 10_000 }),
      this.engine.plays(FAR_END_HZ, { mark, within: 10_000 }),
    ]);
  }

  async hangUp({ sipp, call }: Placed): Promise<void> {
    await this.vm.phone.hangup(call);
    await this.vm.phone.becomes(call, 'ended', 15_000);
    await sipp.done();
  }

  async #clear(): Promise<void> {
    await Promise.all(this.#used.splice(0).map((one) => one.stop()));
  }

  async #farEnd(scenario: string): Promise<{ far: MediaPeer; options: SippOptions }> {
    this.#count += 1;
    const far = await MediaPeer.open({ address: '127.0.0.1', toneHz: FAR_END_HZ });
    this.#used.push({ stop: async () => far.close() });
    const options: SippOptions = {
      scenario,
      transport: 'udp',
      address: '127.0.0.1',
      media: far,
      // The guest's processor is emulated and slow: what takes long is not lost, and not sent again.
      extra: ['-d', '3000', '-nr'],
      deadlineMs: 60_000,
      directory: this.#directory,
      name: `${this.#count}-${scenario.replace('.xml', '')}`,
    };
    return { far, options };
  }

  #use(sipp: Sipp): Sipp {
    this.#used.push(sipp);
    return sipp;
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
