import type { Stage } from './stage.ts';
import type { RequirementId } from './requirements.ts';
import type { TomlTable } from '../phone/toml.ts';

/** The ways over which SIPp and the phone talk. */
export const networks = {
  udp: { transport: 'udp', address: '127.0.0.1', loss: 0 },
  tcp: { transport: 'tcp', address: '127.0.0.1', loss: 0 },
  udp6: { transport: 'udp', address: '::1', loss: 0 },
  tcp6: { transport: 'tcp', address: '::1', loss: 0 },
  lossy: { transport: 'udp', address: '127.0.0.1', loss: 0.2 },
} as const;

export type NetworkName = keyof typeof networks;

export interface Setting {
  /** Instead of the standard lines: this scenario gets a daemon of its own. */
  readonly accounts?: (stage: Stage) => Promise<readonly TomlTable[]> | readonly TomlTable[];
  /** Sections of the guest's configuration; likewise. */
  readonly guest?: Readonly<Record<string, TomlTable>>;
  /** Sections of the engine's configuration: an engine of its own. */
  readonly engine?: Readonly<Record<string, TomlTable>>;
  /** Started by the scenario itself, if at all. */
  readonly phone?: 'own' | 'none';
}

export interface Scenario {
  /** kebab-case, unique. */
  readonly id: string;
  /** In the field's words; JUnit and the table show it. */
  readonly title: string;
  readonly group: 'sipp' | 'interop';
  readonly requirements: readonly RequirementId[];
  readonly network: NetworkName;
  readonly setting: Setting;
  /** It mostly waits (for a timer of the standard), and may run beside any number of others. */
  readonly slow: boolean;
  /** Milliseconds. */
  readonly deadline: number;
  /** What it needs of the machine; without it the scenario is skipped, and the run says why. */
  readonly needs: readonly Need[];
  run(stage: Stage): Promise<void>;
}

export type Need =
  | 'namespaces'
  | 'asterisk'
  | 'dnsmasq'
  | 'kamailio'
  | 'rtpengine'
  | 'baresip'
  | 'linphone'
  | 'pulseaudio';

export interface ScenarioOptions {
  readonly id: string;
  readonly title: string;
  readonly requirements: readonly RequirementId[];
  readonly over?: readonly NetworkName[];
  readonly group?: 'sipp' | 'interop';
  readonly setting?: Setting;
  readonly slow?: boolean;
  readonly deadline?: number;
  readonly needs?: readonly Need[];
  readonly run: (stage: Stage) => Promise<void>;
}

/** What each network proves besides. */
const OF_NETWORK: Readonly<Record<NetworkName, readonly RequirementId[]>> = {
  udp: [],
  tcp: ['net.tcp'],
  udp6: ['net.ipv6'],
  tcp6: ['net.tcp', 'net.ipv6'],
  lossy: ['net.loss'],
};

const DEADLINE = 30_000;

/** One scenario for each network that it is to run over. */
export function scenario(options: ScenarioOptions): Scenario[] {
  const over = options.over ?? ['udp'];
  return over.map((network) => ({
    id: over.length === 1 ? options.id : `${options.id}-${network}`,
    title: over.length === 1 ? options.title : `${options.title} (${network})`,
    group: options.group ?? 'sipp',
    requirements: [...options.requirements, ...OF_NETWORK[network]],
    network,
    setting: options.setting ?? {},
    slow: options.slow ?? false,
    deadline: options.deadline ?? (options.slow === true ? 100_000 : DEADLINE),
    needs: options.needs ?? [],
    run: options.run,
  }));
}
