import { ctiConfigSchema } from '../../cti-bridge/src/service/config.ts';
import { engineConfig } from '../../media-engine-client/src/config.ts';
import { guestConfigSchema } from '../../softphone-guest/src/config.ts';
import { configReference } from './config-reference.ts';

const INTRODUCTION = `# Configuration

All programs read TOML. A key that is unknown or has a wrong value stops the start with a message
that names file, line and key. Secrets belong into \`password_command\` or \`password_file\`.

This page is made from the schemas that the programs check their files with: change them, then run
\`npm run docs\`.
`;

const PARTS = [
  {
    title: 'Guest: `offhook`',
    text:
      'File: `--config`, else `$XDG_CONFIG_HOME/offhook/config.toml` (`~/.config/offhook/config.toml`). ' +
      'State: `--state-dir`, else `$XDG_STATE_HOME/offhook` (`~/.local/state/offhook`).',
    schema: guestConfigSchema,
  },
  {
    title: 'Thin client: `offhook-engine`',
    text:
      'File: `--config`, else `$XDG_CONFIG_HOME/offhook-engine/config.toml`; without one the defaults ' +
      'hold. State: `--state-dir`, else `$XDG_STATE_HOME/offhook-engine`.',
    schema: engineConfig,
  },
  {
    title: 'Server: `offhook-cti`',
    text: 'File: `--config`, else `$XDG_CONFIG_HOME/offhook-cti/config.toml`; see [cti.md](cti.md).',
    schema: ctiConfigSchema,
  },
];

/** Defaults name folders of whoever makes the page: those must not get into it. */
const NEUTRAL_FOLDERS = {
  XDG_RUNTIME_DIR: '/run/user/1000',
  XDG_STATE_HOME: '/home/user/.local/state',
  XDG_CONFIG_HOME: '/home/user/.config',
};

/** docs/configuration.md as it should be. */
export function configurationPage(): string {
  const own = { ...process.env };
  Object.assign(process.env, NEUTRAL_FOLDERS);
  try {
    const parts = PARTS.map(
      ({ title, text, schema }) =>
        `## ${title}\n\n${text}\n\n${configReference(schema).trimEnd()}\n`,
    );
    return [INTRODUCTION, ...parts].join('\n');
  } finally {
    process.env = own;
  }
}
