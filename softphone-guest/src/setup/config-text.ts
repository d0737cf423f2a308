import type { SipAddress } from './candidates.ts';

export interface Settings {
  readonly address: SipAddress;
  readonly username: string;
  readonly displayName: string | undefined;
  readonly proxy: string | undefined;
  /** Relative to the configuration. */
  readonly passwordFile: string;
  /** Where the engine is; undefined for the default. */
  readonly channel: string | undefined;
  readonly tls: { readonly verify: boolean; readonly caFile: string | undefined };
}

/** A configuration file that says no more than it must. */
export function configText(settings: Settings): string {
  const { address, proxy, tls } = settings;
  const lines = [
    '# Written by `offhook setup`. Every key: docs/configuration.md, man 5 offhook.toml.',
    '',
    '[[account]]',
    `aor = ${quote(address.aor)}`,
    ...(settings.displayName === undefined
      ? []
      : [`display_name = ${quote(settings.displayName)}`]),
    ...(settings.username === address.user ? [] : [`username = ${quote(settings.username)}`]),
    `password_file = ${quote(settings.passwordFile)}`,
    ...(proxy === undefined ? [] : [`outbound_proxy = ${quote(proxy)}`]),
    '',
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

/** A TOML basic string: JSON escapes are TOML's too. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
