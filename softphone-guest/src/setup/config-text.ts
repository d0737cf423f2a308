import type { SipAddress } from './candidates.ts';

export interface AccountSettings {
  readonly address: SipAddress;
  readonly username: string;
  readonly displayName: string | undefined;
  readonly proxy: string | undefined;
  /** Relative to the configuration. */
  readonly passwordFile: string;
}

export interface Settings extends AccountSettings {
  /** Where the engine is; undefined for the default. */
  readonly channel: string | undefined;
  readonly tls: { readonly verify: boolean; readonly caFile: string | undefined };
}

/** A configuration file that says no more than it must. */
export function configText(settings: Settings): string {
  const { tls } = settings;
  const lines = [
    '# Written by `offhook setup`. Every key: docs/configuration.md, man 5 offhook.toml.',
    '',
    accountText(settings),
    ...(settings.channel === undefined
      ? []
      : ['[engine]', `channel = ${quote(settings.channel)}`, '']),
    ...(tls.verify && tls.caFile === undefined
      ? []
      : [
          '[sip.tls]',
          ...(tls.caFile === undefined ? [] : [`ca = ${quote(tls.caFile)}`]),
          ...(tls.verify ? [] : ['verify = false']),
          '',
        ]),
  ];
  return lines.join('\n');
}

/** `[[account]]`, with a line feed after it. */
export function accountText(settings: AccountSettings): string {
  const { address, username, displayName, proxy, passwordFile } = settings;
  const lines = [
    '[[account]]',
    `aor = ${quote(address.aor)}`,
    ...(displayName === undefined ? [] : [`display_name = ${quote(displayName)}`]),
    ...(username === address.user ? [] : [`username = ${quote(username)}`]),
    `password_file = ${quote(passwordFile)}`,
    ...(proxy === undefined ? [] : [`outbound_proxy = ${quote(proxy)}`]),
    '',
  ];
  return lines.join('\n');
}

/** A TOML basic string: JSON escapes are TOML's too. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
