import { Command, InvalidArgumentError, Option } from 'commander';
import type { Output } from '@offhook/common/cli';
import { services } from '../model/services.ts';
import { serviceName } from '../model/terms.ts';
import { defaultConfigFile } from '../service/config.ts';
import { VERSION } from '../version.ts';
import type { Reach } from './reach.ts';

const EXAMPLES = `
Examples:
  offhook-cti run                          the bridge; serves until SIGTERM
  offhook-cti doctor                       what of the configuration works
  offhook-cti token > my.token             a new token, and what to write in the configuration
  export OFFHOOK_CTI_TOKEN=$(cat my.token)
  offhook-cti devices
  offhook-cti dial alice 600
  offhook-cti request holdCall connection=pbx:17.4

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 no bridge, 4 no such call or device,
5 deadline passed.`;

const DEFAULT_URL = 'http://127.0.0.1:8090';

/** The command line. What a command does is loaded when it runs. */
export function buildProgram(output: Output): Command {
  const program = new Command('offhook-cti')
    .description('Phones of a PBX for programs: devices and calls in the words of CSTA')
    .version(VERSION)
    .option('--config <file>', 'configuration file, of run and doctor')
    .addOption(new Option('--url <url>', 'the bridge').env('OFFHOOK_CTI_URL').default(DEFAULT_URL))
    .addOption(
      new Option('--token-file <file>', 'file with the token').env('OFFHOOK_CTI_TOKEN_FILE'),
    )
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
    })
    .showHelpAfterError('(offhook-cti --help says more)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  const options = () =>
    program.opts<{ config?: string; url: string; tokenFile?: string; json?: true }>();
  const config = () => options().config ?? defaultConfigFile();
  const reach = async (): Promise<Reach> => {
    const { url, tokenFile, json } = options();
    const { findToken } = await import('./find-token.ts');
    return { url, token: findToken(tokenFile), json: json ?? false, output };
  };

  program
    .command('run')
    .description('run the bridge in the foreground; prints "ready" when it serves')
    .action(async () => (await import('./run-command.ts')).run(config(), output));
  program
    .command('doctor')
    .description('check the configuration, and whether the PBXs can be reached')
    .action(async () =>
      (await import('./doctor-command.ts')).doctor(config(), options().json ?? false, output),
    );
  program
    .command('token')
    .description('make a token: it goes to standard output, its hash to standard error')
    .action(async () => (await import('./token-command.ts')).token(output));
  program
    .command('devices')
    .description('list the devices')
    .action(async () => (await import('./client-commands.ts')).devices(await reach()));
  program
    .command('calls')
    .description('list the calls')
    .action(async () => (await import('./client-commands.ts')).calls(await reach()));
  program
    .command('watch')
    .description('print what happens, until interrupted')
    .action(async () => (await import('./client-commands.ts')).watch(await reach()));
  program
    .command('dial')
    .description('let a device call a number')
    .argument('<device>')
    .argument('<number>')
    .action(async (device: string, to: string) =>
      (await import('./client-commands.ts')).request(await reach(), 'makeCall', { device, to }),
    );
  program
    .command('request')
    .description('ask for any service, with its parameters as name=value')
    .argument('<service>', Object.keys(services).join(', '), (text) => {
      const parsed = serviceName.safeParse(text);
      if (!parsed.success) throw new InvalidArgumentError('there is no such service');
      return parsed.data;
    })
    .argument('[name=value...]')
    .action(async (service: keyof typeof services, words: string[]) =>
      (await import('./client-commands.ts')).request(await reach(), service, parameters(words)),
    );
  return program;
}

/** `on=true`, `to=null` and numbers in digits that a schema wants as text stay what they look like. */
function parameters(words: readonly string[]): Record<string, unknown> {
  const literal: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };
  return Object.fromEntries(
    words.map((word) => {
      const [name = '', ...rest] = word.split('=');
      const value = rest.join('=');
      if (rest.length === 0) throw new InvalidArgumentError(`${word}: must be name=value`);
      return [name, Object.hasOwn(literal, value) ? literal[value] : value];
    }),
  );
}
