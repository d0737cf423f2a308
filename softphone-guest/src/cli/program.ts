import { Argument, Command, InvalidArgumentError } from 'commander';
import type { Output } from '@offhook/common/cli';
import { completionScript } from '@offhook/common/completion';
import type { InstallFlags } from '@offhook/common/install';
import type { RecordingAction } from '../call/recordings.ts';
import { guestPaths } from '../paths.ts';
import { VERSION } from '../version.ts';
import { asCount, asSince, asRole, CALL, waitOption } from './arguments.ts';
import type { Context, HistoryOptions } from './call-commands.ts';
import { accountCommands } from './account-program.ts';
import { contactCommands } from './contact-program.ts';
import { soundCommands } from './sound-program.ts';
import { setupCommand } from './setup-program.ts';
import { presenceCommands } from './presence-program.ts';
import { transferCommands } from './transfer-program.ts';
import type { TraceOptions } from './trace-command.ts';

const EXAMPLES = `
Examples:
  offhook                                the phone on the terminal
  offhook setup                          make the configuration
  offhook daemon                         the phone itself; calls live as long as it runs
  offhook dial echo --wait 20            call, and wait until somebody answers
  offhook calls --json | jq .calls[].id  for scripts
  offhook record pause                   silence in the recording while a card number is said
  offhook hangup --all

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 no daemon, 4 no such call or device,
5 deadline passed.`;

/** The command line. What a command does is loaded when it runs, so that others start quickly. */
export function buildProgram({ output }: { output: Output }): Command {
  const program = new Command('offhook')
    .description('A softphone for virtual desktops: the sound is made at the thin client')
    .version(VERSION)
    .option('--state-dir <dir>', 'which daemon: its state directory')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
    })
    .showHelpAfterError('(offhook --help says more)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  const context = (): Context => {
    const { stateDir, config, json } = program.opts<{
      stateDir?: string;
      config?: string;
      json?: boolean;
    }>();
    return { paths: guestPaths({ stateDir, config }), json: json ?? false, output };
  };
  phoneCommands(program, context, output);
  installCommand(program, context);
  setupCommand(program, context);
  accountCommands(program, context);
  callCommands(program, context);
  transferCommands(program, context);
  presenceCommands(program, context);
  contactCommands(program, context);
  program
    .command('completion')
    .description('a script by which bash or zsh completes this command')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .addHelpText('after', '\nExample, in ~/.bashrc:\n  source <(offhook completion bash)')
    .action((shell: 'bash' | 'zsh') => output.out(completionScript(program, shell)));
  soundCommands(program, context);
  return program;
}

function phoneCommands(program: Command, context: () => Context, output: Output): void {
  program
    .command('tui')
    .description('the phone on the terminal (also without any command); leaving it drops no call')
    .option('--plain', 'sentences and lines instead of a drawn screen, for screen readers')
    .action(async (options: { plain?: boolean }) =>
      (await import('./tui-command.ts')).tui(context(), options),
    );
  program
    .command('daemon')
    .description('run the phone in the foreground; prints "ready" when it serves')
    .option('--supervise', 'start it again when it dies; for systems without systemd')
    .option('--keep-calls', 'on SIGTERM leave calls to the next daemon, which goes on with them')
    .action(async (options: { supervise?: boolean; keepCalls?: boolean }) => {
      if (options.supervise === true) await superviseThis('offhook daemon', output);
      else await (await import('./daemon-command.ts')).daemon(context(), options);
    });
  program
    .command('port-helper')
    .description('own a port of the virtual desktop and share it; the daemon starts it by itself')
    .argument('[name]', 'the port', 'org.offhook.engine.0')
    .option('--socket <path>', 'where to serve; in the runtime directory of the user if absent')
    .option('--allow <file>', 'TOML file that says who may use it; only the same user if absent')
    .action(async (name: string, options: { socket?: string; allow?: string }) =>
      (await import('./port-helper-command.ts')).portHelper(name, options),
    );
  program
    .command('status')
    .description('daemon, lines and engine')
    .action(async () => (await import('./phone-commands.ts')).status(context()));
  program
    .command('journal')
    .description('calls that would go on if the daemon were killed now, or that the next will find')
    .action(async () => (await import('./journal-command.ts')).journal(context()));
  program
    .command('doctor')
    .description('check every layer, from the configuration to the audio of running calls')
    .option('--call <target>', 'call somebody who answers by himself, and check the sound each way')
    .addHelpText(
      'after',
      '\nExamples:\n  offhook doctor                    every layer in turn\n  offhook doctor --call 600         and a call to the echo of the PBX',
    )
    .action(async (options: { call?: string }) =>
      (await import('./doctor-command.ts')).doctor(context(), options.call),
    );
  program
    .command('events')
    .description('follow what happens, one JSON object a line')
    .argument('[names...]', 'only these, e.g. call.changed dtmf')
    .action(async (names: string[]) =>
      (await import('./phone-commands.ts')).events(context(), names),
    );
  program
    .command('api')
    .description('print the control socket as JSON Schema: methods, events, input of hooks')
    .action(async () => (await import('./api-command.ts')).api(context()));
  program
    .command('trace')
    .description('SIP messages of a call, also of one that is over; secrets are masked')
    .argument('[call]', 'its id or first letters; the only call, else the last one, if left out')
    .option('--all', 'everything, also what belongs to no call')
    .option('-f, --follow', 'go on as messages come, until the call is over')
    .option('--full', 'whole messages instead of a ladder')
    .option('--pcap <file>', 'write a capture for Wireshark; - for standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  offhook trace                     the call that is up, or the last one\n  offhook trace --all -f            as it happens\n  offhook trace k3v --pcap call.pcap',
    )
    .action(async (id: string | undefined, options: TraceOptions) =>
      (await import('./trace-command.ts')).trace(context(), id, options),
    );
  program
    .command('stats')
    .description('figures of a call as in RTCP XR, also of one that is over: loss, delay, MOS')
    .argument('[call]', 'its id or first letters; the only call, else the last one, if left out')
    .addHelpText(
      'after',
      '\nExamples:\n  offhook stats                                    the call that is up, or the last one\n  offhook stats k3v --json | jq .voipMetrics.mosCq',
    )
    .action(async (id?: string) => (await import('./stats-command.ts')).stats(context(), id));
  program
    .command('report')
    .description(
      'pack configuration, log, checks, calls, their statistics and SIP messages for whoever helps',
    )
    .argument('[file]', 'the archive; offhook-report-DATE.tar.gz if left out')
    .action(async (file?: string) =>
      (await import('./report-command.ts')).supportReport(context(), file),
    );
  program
    .command('register')
    .description('register a line now')
    .argument('[account]', 'its address of record or user part')
    .action(async (account?: string) =>
      (await import('./phone-commands.ts')).register(context(), account, true),
    );
  program
    .command('unregister')
    .description('take the registration of a line back')
    .argument('[account]', 'its address of record or user part')
    .action(async (account?: string) =>
      (await import('./phone-commands.ts')).register(context(), account, false),
    );
  program
    .command('use')
    .description('thin clients of this phone; with a channel, move it and its calls there')
    .argument('[channel]', 'as listed')
    .action(async (channel?: string) =>
      (await import('./phone-commands.ts')).use(context(), channel),
    );
  program
    .command('devices')
    .description('audio devices of the thin client; with a role and a device, choose it')
    .argument('[role]', 'input, output or ringer', asRole)
    .argument('[device]', 'id, as listed')
    .action(async (role?: ReturnType<typeof asRole>, id?: string) => {
      if (role !== undefined && id === undefined) program.error('devices: name the device too');
      const selection = role === undefined || id === undefined ? undefined : { role, id };
      await (await import('./phone-commands.ts')).devices(context(), selection);
    });
}

function installCommand(program: Command, context: () => Context): void {
  program
    .command('install')
    .description('write units, udev rule and desktop file, so that the phone runs by itself')
    .option('--guest', 'the phone of a virtual desktop; the default')
    .option('--client', 'the engine of a thin client, by its program offhook-engine')
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
      const [{ installProgram }, { guestInstallation }] = await Promise.all([
        import('@offhook/common/install'),
        import('../install/files.ts'),
      ]);
      const other = { program: 'offhook-engine', package: 'offhook-engine' };
      installProgram({ own: guestInstallation, other, flags, ...context() });
    });
}

/** Ends the process. */
async function superviseThis(name: string, output: Output): Promise<void> {
  const { superviseSelf } = await import('@offhook/common/supervise');
  process.exit(await superviseSelf(name, output));
}

function callCommands(program: Command, context: () => Context): void {
  program
    .command('calls')
    .description('calls that are not over')
    .action(async () => (await import('./call-commands.ts')).calls(context()));
  program
    .command('history')
    .description('calls that are over, newest first')
    .argument('[words...]', 'only those whose name, number, address or line has all of them')
    .option('-n, --limit <number>', 'at most so many', asCount, 50)
    .option('--missed', 'only those that nobody took')
    .option(
      '--since <when>',
      '2026-11-30, 2026-11-30T14:00, or as long ago as 30m, 12h, 7d',
      asSince,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  offhook history --missed --since 1d\n  offhook history smith --json',
    )
    .action(async (words: string[], options: HistoryOptions) =>
      (await import('./call-commands.ts')).history(context(), words, options),
    );
  program
    .command('dial')
    .description('place a call')
    .argument('<target>', 'number, name of a contact, user@host or SIP URI')
    .option('--account <aor>', 'the line to call from')
    .option('--dry-run', 'only tell what would be dialled by which account, and why')
    .addOption(waitOption())
    .addHelpText(
      'after',
      '\nExamples:\n  offhook dial 030123456\n  offhook dial echo --wait 20 --json\n  offhook dial --dry-run 030123456',
    )
    .action(
      async (target: string, options: { account?: string; wait?: number; dryRun?: boolean }) => {
        const commands = await import('./call-commands.ts');
        if (options.dryRun === true) await commands.preview(context(), target, options);
        else await commands.dial(context(), target, options);
      },
    );
  program
    .command('answer')
    .description('take an incoming call; active ones are put on hold')
    .argument('[call]', CALL)
    .addOption(waitOption())
    .action(async (id: string | undefined, options: { wait?: number }) =>
      (await import('./call-commands.ts')).answer(context(), id, options),
    );
  program
    .command('reject')
    .description('decline an incoming call')
    .argument('[call]', CALL)
    .option('--all', 'every incoming call')
    .option('--status <code>', 'SIP status to decline with (486)', asStatus)
    .option('--reason <words>', 'words that go with it')
    .action(
      async (
        id: string | undefined,
        options: { all?: boolean; status?: number; reason?: string },
      ) =>
        (await import('./call-commands.ts')).reject(context(), id, {
          ...options,
          all: options.all ?? false,
        }),
    );
  for (const [name, method, description] of [
    ['hangup', 'call.hangup', 'end a call'],
    ['hold', 'call.hold', 'put a call on hold'],
    ['mute', 'call.mute', 'silence the microphone of a call'],
    ['unmute', 'call.unmute', 'open the microphone of a call again'],
  ] as const) {
    program
      .command(name)
      .description(description)
      .argument('[call]', CALL)
      .option('--all', 'every call that this applies to')
      .action(async (id: string | undefined, options: { all?: boolean }) =>
        (await import('./call-commands.ts')).onCalls(context(), method, id, {
          all: options.all ?? false,
        }),
      );
  }
  program
    .command('resume')
    .description('take a call off hold; other active ones are put on hold')
    .argument('[call]', CALL)
    .action(async (id?: string) => (await import('./call-commands.ts')).resume(context(), id));
  program
    .command('record')
    .description(
      'record both parties of a call at the thin client, where its policy allows that; pause for what must not be in the file, such as card data',
    )
    .addArgument(
      new Argument('<action>', 'what to do').choices(['start', 'pause', 'resume', 'stop'] as const),
    )
    .argument('[call]', CALL)
    .action(async (action: RecordingAction, id?: string) =>
      (await import('./call-commands.ts')).record(context(), action, id),
    );
  program
    .command('dtmf')
    .description('send digits: `offhook dtmf 123#`, or `offhook dtmf CALL 123#`')
    .argument('<words...>', '[call] digits')
    .action(async (words: string[]) => {
      if (words.length > 2) program.error('dtmf: say [call] digits');
      await (await import('./call-commands.ts')).dtmf(context(), words);
    });
}

function asStatus(text: string): number {
  if (/^[456]\d\d$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a SIP status from 400 to 699');
}
