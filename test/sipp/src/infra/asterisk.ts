import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Audio } from '@offhook/common/audio';
import { asteriskRoot, loader, triplet } from './asterisk-install.ts';
import { createCertificate, type Authority } from './certificate.ts';
import { freePorts } from './ports.ts';
import { ManagedProcess, run } from './process.ts';
import { readRecording } from './recording.ts';
import { fillTemplates } from './template.ts';
import { until } from './wait.ts';
import type { Program } from '../phone/programs.ts';

const RTP_PORTS = 100;

/** What a phone of pjsip.conf has besides the common: an endpoint's option, or one of its auth. */
interface AsteriskPhone {
  readonly endpoint?: string;
  readonly auth?: string;
  readonly aor?: string;
}

/** One phone a scenario, so that they do not take each other's registrations away. */
const PHONES: Readonly<Record<string, AsteriskPhone>> = {
  'alice-udp': {},
  'alice-tcp': {},
  'alice-tls': {},
  'alice-called': {},
  'alice-hold': {},
  'alice-dtmf': {},
  'alice-nat': {},
  'alice-wrong': {},
  'alice-progress': {},
  'alice-pcma': { endpoint: 'allow = !all,alaw' },
  'alice-g722': { endpoint: 'allow = !all,g722' },
  'alice-opus': { endpoint: 'allow = !all,opus' },
  'alice-srtp': { endpoint: 'media_encryption = sdes' },
  'alice-srtp-tls': { endpoint: 'media_encryption = sdes' },
  'alice-sha256': { auth: 'supported_algorithms_uas = SHA-256' },
  bob: {},
  'alice-blind': {},
  'carol-blind': {},
  'alice-attended': {},
  'carol-attended': {},
  'alice-park': {},
  'carol-park': {},
  'alice-pickup': {},
  'carol-pickup': {},
  'bob-pickup': {},
  'bob-attended': {},
  'alice-refer': {},
  'alice-watch': {},
  'bob-watch': {},
  'carol-watch': {},
  'alice-text': {},
  'bob-text': {},
  'alice-box': { aor: 'mailboxes = 100@default' },
  'bob-box': { endpoint: 'mailboxes = 100@default' },
  'alice-setup': {},
  'alice-added': {},
  'alice-help': {},
  'bob-added': {},
  'alice-desktop': { endpoint: 'allow = !all,alaw' },
  alice: { endpoint: 'from_domain = example.com' },
  carol: { endpoint: 'from_domain = example.com' },
  dave: { endpoint: 'from_domain = example.com' },
};

export const ASTERISK_PASSWORD = 'wonderland';

function phoneSections(): string {
  return Object.entries(PHONES)
    .map(([name, { endpoint = '', auth = '', aor = '' }]) =>
      [
        `[${name}](phone)`,
        `auth = ${name}`,
        `aors = ${name}`,
        endpoint,
        `[${name}]`,
        'type = auth',
        'auth_type = digest',
        `username = ${name}`,
        `password = ${ASTERISK_PASSWORD}`,
        auth,
        `[${name}](place)`,
        aor,
        '',
      ].join('\n'),
    )
    .join('\n');
}

export interface AsteriskOptions {
  readonly directory: string;
  readonly address: string;
  readonly authority: Authority;
  /** How its phones reach it, where that is another address: from inside a virtual machine. */
  readonly seenAs?: string;
  /** Runs it in a network namespace. */
  readonly wrap?: (program: Program) => Program;
}

/** An Asterisk 22 with the dialplan of interop/asterisk. */
export class Asterisk {
  readonly address: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly process: ManagedProcess;
  readonly #directory: string;
  readonly #root: string;

  private constructor(parts: {
    directory: string;
    address: string;
    root: string;
    port: number;
    program: Program;
  }) {
    this.address = parts.address;
    this.port = parts.port;
    this.tlsPort = parts.port + 1;
    this.#directory = parts.directory;
    this.#root = parts.root;
    this.process = new ManagedProcess({
      name: 'asterisk',
      ...parts.program,
      logFile: join(parts.directory, 'asterisk.log'),
      cwd: parts.directory,
    });
  }

  static async start(options: AsteriskOptions): Promise<Asterisk> {
    const { directory, address } = options;
    const root = await asteriskRoot();
    const port = await freePorts(2);
    const rtp = await freePorts(RTP_PORTS);
    for (const part of ['lib', 'spool', 'keys'])
      await mkdir(join(directory, part), { recursive: true });
    await createCertificate(options.authority, {
      directory,
      name: 'server',
      hosts: [address, 'localhost'],
    });
    await fillTemplates('asterisk', directory, {
      RUN: directory,
      ROOT: root,
      TRIPLET: triplet(),
      ADDRESS: address,
      PORT: port,
      TLS_PORT: port + 1,
      SEEN_AS: options.seenAs === undefined ? '' : `external_signaling_address = ${options.seenAs}`,
      PHONES: phoneSections(),
      RTP_FROM: rtp,
      RTP_TO: rtp + RTP_PORTS - 1,
    });
    const { command, args } = loader(root);
    const plain = { command, args: [...args, '-f', '-C', join(directory, 'asterisk.conf')] };
    const program = options.wrap?.(plain) ?? plain;
    const asterisk = new Asterisk({ directory, address, root, port, program });
    await asterisk.process.ready(() => asterisk.#up(), { within: 20_000 });
    return asterisk;
  }

  /** A command of its console. */
  async console(command: string): Promise<string> {
    const { command: file, args } = loader(this.#root);
    const conf = join(this.#directory, 'asterisk.conf');
    return run(file, [...args, '-C', conf, '-rx', command], { within: 10_000 });
  }

  /** Calls a registered phone, and connects it with an extension of the dialplan. */
  async callPhone(endpoint: string, extension: string): Promise<void> {
    await this.console(`channel originate PJSIP/${endpoint} extension ${extension}@phones`);
  }

  /** Where that phone is registered, as `pjsip show contacts` has it; nowhere: no element. */
  async contacts(endpoint: string): Promise<string[]> {
    const shown = await this.console('pjsip show contacts');
    return [...shown.matchAll(/^\s*Contact:\s+([^/\s]+)\/(\S+)/gm)].flatMap(([, aor, uri = '']) =>
      aor === endpoint ? [uri] : [],
    );
  }

  /** Ends the calls of a phone. */
  async hangUp(endpoint: string): Promise<void> {
    const channels = await this.console('core show channels concise');
    for (const [, channel = ''] of channels.matchAll(/^(PJSIP\/[^!]+)!/gm))
      if (channel.startsWith(`PJSIP/${endpoint}-`))
        await this.console(`channel request hangup ${channel}`);
  }

  /** What it recorded of the phone that called that number (601…). */
  async heard(extension: string): Promise<Audio> {
    return readRecording(join(this.#directory, `heard-${extension}.wav`));
  }

  /** Leaves a message in mailbox 100, or takes all of them away. */
  async voicemail(messages: number): Promise<void> {
    const inbox = join(this.#directory, 'spool/voicemail/default/100/INBOX');
    await rm(inbox, { recursive: true, force: true });
    await mkdir(inbox, { recursive: true });
    for (let at = 0; at < messages; at++) {
      await writeFile(join(inbox, `msg000${at}.txt`), '[message]\norigmailbox=100\nduration=1\n');
    }
  }

  /** How the caller who asked for help (112) said where to be: the `Geolocation` header and its routing. */
  async helped(caller: string, within: number): Promise<string> {
    return until(
      'Asterisk to have been asked for help',
      () => new RegExp(`help for ${caller}: (.*)`).exec(this.process.output)?.[1],
      { within },
    );
  }

  /** The keys that it took at 602, from that caller. */
  async keys(caller: string, within: number): Promise<string> {
    return until(
      'Asterisk to have taken keys',
      () => new RegExp(`keys (\\S+) from ${caller}\\b`).exec(this.process.output)?.[1],
      { within },
    );
  }

  async stop(): Promise<void> {
    await this.process.stop(4000);
  }

  async #up(): Promise<boolean> {
    try {
      return (await this.console('core waitfullybooted')).includes('fully booted');
    } catch {
      return false;
    }
  }
}
