import { resolve, join } from 'node:path';
import { xdgConfigFile, xdgStateDir } from '@offhook/common/xdg';

/** What the command line may say of places. */
export interface PathOptions {
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
}

export interface Paths {
  readonly config: string;
  readonly stateDir: string;
  readonly control: string;
  readonly journal: string;
  readonly log: string;
  /** vCards, which other programs may read too. */
  readonly contacts: string;
  /** Text messages, a line of JSON each. */
  readonly messages: string;
  /** Statistics of calls that are over, a file of JSON each. */
  readonly statistics: string;
}

export function guestPaths(options: PathOptions, env: NodeJS.ProcessEnv = process.env): Paths {
  const stateDir = resolve(options.stateDir ?? xdgStateDir('offhook', env));
  return {
    config: resolve(options.config ?? xdgConfigFile('offhook', env)),
    stateDir,
    control: join(stateDir, 'control.sock'),
    journal: join(stateDir, 'journal.db'),
    log: join(stateDir, 'daemon.log'),
    contacts: join(stateDir, 'contacts.vcf'),
    messages: join(stateDir, 'messages.jsonl'),
    statistics: join(stateDir, 'stats'),
  };
}
