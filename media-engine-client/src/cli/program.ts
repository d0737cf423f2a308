import type { Output } from '@offhook/common/cli';
import type { InstallFlags } from '@offhook/common/install';
import type { AudioRole, VoiceWishes } from '@offhook/media-rpc';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultStateDir } from '../config.ts';
import { VERSION } from '../version.ts';
import type { Context } from './output.ts';

const EXAMPLES = `
Examples:
  offhook-engine run                          serve guests, with the defaults
  offhook-engine run --config engine.toml
  offhook-engine run --spice desktop.vv       serve the guest of a virtual desktop
  offhook-engine view desktop.vv              the same, in your own viewer
  offhook-engine status                       who is there, and whether the microphone is live
  offhook-engine ui                           see and rule calls, also while a guest is away
  offhook-engine calls --json | jq .calls[].media
  offhook-engine hangup --all                 end every call now, whatever the guests do
  offhook-engine devices select output pulse:headset
  offhook-engine voice --echo on              take out the echo of the loudspeaker
  offhook-engine doctor                       what is wrong, layer by layer

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 no engine runs, 4 no such call or
device, 5 deadline passed.`;

const CALL = 'its id or the beginning of it';

/** The command line. What a command does is loaded when it runs, so that others start quickly. */
export function buildProgram({ output }: { output: Output }): Command {
  const program = new Command('offhook-engine')
    .description('The sound of Offhook at the thin client: RTP, codecs and devices for its guests')
    .version(VERSION)
    .option('--state-dir <dir>', 'which engine: its state directory')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
    })
    .showHelpAfterError('(offhook-engine --help says more)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  const context = (): Context => {
    const options = program.opts<{ stateDir?: string; config?: string; json?: boolean }>();
    return {
      stateDir: options.stateDir ?? defaultStateDir(),
      config: options.config,
      json: options.json ?? false,
      output,
    };
  };
  program
    .command('run')
    .description('run the engine in the foreground; prints "ready" when guests can connect')
    .option(
      '--keep-calls',
      'on SIGTERM leave calls to the worker, for the next engine to take over',
    )
    .option(
      '--spice <desktop>',
      'let the guest of that desktop in, by its SPICE port: spice://HOST:PORT or a .vv file',
    )
    .option('--supervise', 'start it again when it dies; for systems without systemd')
    .action(async (options: { keepCalls?: boolean; spice?: string; supervise?: boolean }) => {
      const { keepCalls = false, spice, supervise } = options;
      if (supervise === true) await superviseThis(context());
      else await (await import('./run-command.ts')).run(context(), { keepCalls, spice });
    });
  program
    .command('view')
    .description('open a virtual desktop in your viewer, with the sound of its calls made here')
    .argument('<desktop>', 'a .vv file as remote-viewer opens it, or spice://HOST:PORT')
    .argument('[viewer-args...]', 'further arguments for the viewer, behind --')
    .option('--viewer <program>', 'another viewer than remote-viewer or that of the configuration')
    .action(async (desktop: string, words: readonly string[], { viewer }: { viewer?: string }) =>
      (await import('./view-command.ts')).view(context(), desktop, { viewer, words }),
    );
  program
    .command('link', { hidden: true })
    .description('the link of one desktop; started where it is needed')
    .requiredOption('--id <id>', 'of the desktop')
    .requiredOption('--port <name>', 'of the SPICE port')
    .action(async (options: { id: string; port: string }) =>
      (await import('./link-command.ts')).runLink(context(), options),
    );
  program
    .command('status')
    .description('engine, worker, guests, devices and microphone')
    .action(async () => (await import('./commands.ts')).status(context()));
  program
    .command('ui')
    .description('all of it on a screen: calls, devices, levels; hang up, mute, choose devices')
    .action(async () => (await import('./ui-command.ts')).ui(context()));
  program
    .command('doctor')
    .description('check every layer from the configuration to a tone through two calls')
    .action(async () => (await import('./doctor-command.ts')).doctor(context()));
  callCommands(program, context);
  deviceCommands(program, context);
  voiceCommand(program, context);
  installCommand(program, context);
  return program;
}

/** Ends the process. */
async function superviseThis({ output }: Context): Promise<void> {
  const { superviseSelf } = await import('@offhook/common/supervise');
  process.exit(await superviseSelf('offhook-engine run', output));
}

function callCommands(program: Command, context: () => Context): void {
  program
    .command('calls')
    .description('calls of all guests')
    .action(async () => (await import('./commands.ts')).calls(context()));
  for (const [name, method, description] of [
    ['hangup', 'calls.hangup', 'end a call now; the only one unless one is named'],
    [
      'mute',
      'calls.mute',
      'silence the microphone: for one call, or for all; no guest can undo it',
    ],
    ['unmute', 'calls.unmute', 'take that back'],
    [
      'stop-recording',
      'calls.stop-recording',
      'end the recording: of one call, or of all; no guest can begin it again',
    ],
    ['take', 'calls.take', 'give a call microphone and speaker; others wait in the background'],
  ] as const) {
    program
      .command(name)
      .description(description)
      .argument('[call]', CALL)
      .option('--all', 'every call')
      .action(async (call: string | undefined, { all }: { all?: boolean }) =>
        (await import('./commands.ts')).onCalls(context(), method, { call, all }),
      );
  }
}

function deviceCommands(program: Command, context: () => Context): void {
  const devices = program
    .command('devices')
    .description('audio devices, and which are used')
    .action(async () => (await import('./commands.ts')).listDevices(context()));
  devices
    .command('list')
    .description('the same')
    .action(async () => (await import('./commands.ts')).listDevices(context()));
  devices
    .command('select')
    .description('use another device, in calls that run, too')
    .argument('<role>', 'input, output or ringer', asRole)
    .argument('<device>', 'id as listed; also file:PATH, tone:HZ (input) or null')
    .addHelpText('after', '\nExample:\n  offhook-engine devices select input pulse:headset')
    .action(async (role: AudioRole, id: string) =>
      (await import('./commands.ts')).selectDevice(context(), role, id),
    );
  program
    .command('volume')
    .description('how loud: 1 is unchanged, 0 silent, at most 4')
    .argument('<role>', 'input, output or ringer', asRole)
    .argument('<volume>', '0 to 4', asVolume)
    .action(async (role: AudioRole, volume: number) =>
      (await import('./commands.ts')).setVolume(context(), role, volume),
    );
}

function voiceCommand(program: Command, context: () => Context): void {
  const onOff = ['auto', 'on', 'off'];
  program
    .command('voice')
    .description('what is taken out of what the microphone sends, in calls that run, too')
    .addOption(new Option('--echo <switch>', 'echo of the loudspeaker').choices(onOff))
    .addOption(
      new Option('--noise <level>', 'noise').choices(['auto', 'off', 'low', 'moderate', 'high']),
    )
    .addOption(new Option('--gain <switch>', 'differences of level').choices(onOff))
    .addHelpText(
      'after',
      `
What is switched here holds until it is auto again; then guests decide, then the configuration.

Examples:
  offhook-engine voice                        what is on now
  offhook-engine voice --echo off             as with a headset, which needs none
  offhook-engine voice --noise high --gain on`,
    )
    .action(async ({ echo, noise, gain }: VoiceFlags) =>
      (await import('./commands.ts')).setVoice(context(), {
        ...(echo === undefined ? {} : { echoCancellation: echo }),
        ...(noise === undefined ? {} : { noiseSuppression: noise }),
        ...(gain === undefined ? {} : { gainControl: gain }),
      }),
    );
}

interface VoiceFlags {
  readonly echo?: VoiceWishes['echoCancellation'];
  readonly noise?: VoiceWishes['noiseSuppression'];
  readonly gain?: VoiceWishes['gainControl'];
}

function installCommand(program: Command, context: () => Context): void {
  program
    .command('install')
    .description('write user unit and desktop file, so that the engine runs by itself')
    .option('--client', 'the engine of a thin client; the default')
    .option('--guest', 'the phone of a virtual desktop, by its program offhook')
    .option('--dry-run', 'show every file, and write none')
    .option('--uninstall', 'remove what was written and not changed since')
    .option(
      '--prefix <dir>',
      'where programs and desktop files are: /usr for packages',
      '/usr/local',
    )
    .option('--root <dir>', 'install into the system below that directory', '/')
    .option('--program <path>', 'the program that units start; this one if absent')
    .action(async (flags: InstallFlags) => {
      const [{ installProgram }, { clientInstallation }] = await Promise.all([
        import('@offhook/common/install'),
        import('../install/files.ts'),
      ]);
      const other = { program: 'offhook', package: 'offhook-guest' };
      installProgram({ own: clientInstallation, other, flags, ...context() });
    });
}

function asRole(text: string): AudioRole {
  if (text === 'input' || text === 'output' || text === 'ringer') return text;
  throw new InvalidArgumentError('input, output or ringer');
}

function asVolume(text: string): number {
  const volume = Number(text);
  if (text.trim() !== '' && volume >= 0 && volume <= 4) return volume;
  throw new InvalidArgumentError('a number from 0 to 4');
}
