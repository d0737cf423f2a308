import { readFileSync, statSync } from 'node:fs';
import { describeError } from '@offhook/common';
import { exitCode, printJson, type Output } from '@offhook/common/cli';
import { AmiClient } from '../asterisk/ami-client.ts';
import { detectAbilities } from '../asterisk/listings.ts';
import type { AsteriskSettings } from '../asterisk/settings.ts';
import type { CstaTcpSettings } from '../csta/settings.ts';
import { tcpLink } from '../csta/tcp-link.ts';
import { EslClient } from '../freeswitch/esl-client.ts';
import type { FreeSwitchSettings } from '../freeswitch/settings.ts';
import { loadCtiConfig, type CtiConfig, type PbxConfig } from '../service/config.ts';

interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly text: string;
}

const TIMEOUT_MS = 5000;

/** Says of each part of the configuration whether it works, and what to do where it does not. */
export async function doctor(file: string, json: boolean, output: Output): Promise<void> {
  const config = loadCtiConfig(file);
  const findings = [
    ...tokens(config),
    ...(await Promise.all(config.pbx.map((settings) => pbx(settings)))).flat(),
  ];
  if (json) printJson(output, { findings });
  else
    for (const { what, state, text } of findings) output.out(`${MARK[state]} ${what}: ${text}\n`);
  if (findings.some(({ state }) => state === 'failed')) process.exitCode = exitCode.failed;
}

const MARK: Readonly<Record<Finding['state'], string>> = { ok: '✓', warning: '!', failed: '✗' };

function tokens({ token, jwt }: CtiConfig): Finding[] {
  if (token.length > 0 || jwt !== undefined) {
    const text = `${token.length} in the file${jwt === undefined ? '' : `, and those of ${jwt.issuer}`}`;
    return [{ what: 'tokens', state: 'ok', text }];
  }
  const text = 'none: nobody can ask anything (offhook-cti token makes one)';
  return [{ what: 'tokens', state: 'warning', text }];
}

async function pbx(settings: PbxConfig): Promise<Finding[]> {
  switch (settings.kind) {
    case 'asterisk':
      return asterisk(settings);
    case 'csta-tcp':
      return cstaSwitch(settings);
    case 'freeswitch':
      return freeSwitch(settings);
    case 'uacsta':
    case 'drachtio':
    case 'sip': {
      const text = `${Object.keys(settings.phones).length} phones (offhook-cti run tells which answer)`;
      return [{ what: settings.name, state: 'ok', text }];
    }
    default:
      return settings satisfies never;
  }
}

async function cstaSwitch({ name: what, host, port }: CstaTcpSettings): Promise<Finding[]> {
  const nothing = { onEvent: () => undefined, onClose: () => undefined };
  try {
    const link = await tcpLink({ host, port })(nothing, AbortSignal.timeout(TIMEOUT_MS));
    link.close();
    return [{ what, state: 'ok', text: `${host}:${port} answers` }];
  } catch (error) {
    return [{ what, state: 'failed', text: describeError(error) }];
  }
}

async function freeSwitch({
  name: what,
  host,
  port,
  secret_file: file,
}: FreeSwitchSettings): Promise<Finding[]> {
  try {
    const password = readFileSync(file, 'utf8').trim();
    const nothing = { onEvent: () => undefined, onClose: () => undefined };
    const options = { host, port, password, timeoutMs: TIMEOUT_MS, ...nothing };
    (await EslClient.connect(options, ['HEARTBEAT'])).close();
    return [{ what, state: 'ok', text: `${host}:${port} answers` }];
  } catch (error) {
    return [{ what, state: 'failed', text: describeError(error) }];
  }
}

async function asterisk(settings: AsteriskSettings): Promise<Finding[]> {
  const what = settings.name;
  try {
    const secret = readFileSync(settings.secret_file, 'utf8').trim();
    const open = (statSync(settings.secret_file).mode & 0o077) !== 0;
    const ami = await AmiClient.connect({
      ...settings,
      secret,
      timeoutMs: TIMEOUT_MS,
      onEvent: () => undefined,
      onClose: () => undefined,
    });
    try {
      const have = await detectAbilities(ami, settings.contract, AbortSignal.timeout(TIMEOUT_MS));
      const missing = Object.entries(have).flatMap(([name, there]) => (there ? [] : [name]));
      const where = `${settings.host}:${settings.port} answers`;
      return [
        { what, state: 'ok', text: where },
        ...(missing.length === 0
          ? []
          : [
              {
                what,
                state: 'warning' as const,
                text: `without ${missing.join(', ')} (docs/cti.md)`,
              },
            ]),
        ...(open
          ? [{ what, state: 'warning' as const, text: `chmod 600 ${settings.secret_file}` }]
          : []),
      ];
    } finally {
      ami.close();
    }
  } catch (error) {
    return [{ what, state: 'failed', text: describeError(error) }];
  }
}
