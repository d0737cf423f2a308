import type { Command } from 'commander';
import type { Context } from './call-commands.ts';
import type { SetupOptions } from './setup-command.ts';

export function setupCommand(program: Command, context: () => Context): void {
  program
    .command('setup')
    .description('from a SIP address and its password to a configuration that works')
    .argument('[what]', 'SIP address, or the https: URL of a configuration from your IT department')
    .option('--address <address>', 'alice@example.com; asked for if left out')
    .option('--password-file <file>', 'its first line; - for standard input; asked for if left out')
    .option('--username <name>', 'where it is another one than in the address')
    .option('--name <name>', 'the name that called people see')
    .option('--server <host>', 'HOST[:PORT] or SIP URI, where DNS does not lead to it')
    .option('--engine <channel>', 'where the engine is, if not where it is looked for')
    .option('--ca <file>', 'PEM certificates to trust for TLS')
    .option('--insecure', 'do not verify the certificate of the PBX')
    .option('--force', 'write a configuration anew; a copy is kept')
    .addHelpText(
      'after',
      '\nRegistration and a call to yourself are tried over TLS, as DNS says, over TCP and UDP, in this\norder; the first way that works is written.\n\nExamples:\n  offhook setup\n  offhook setup sip:alice@example.com\n  offhook setup https://phones.example.com/alice.toml\n  offhook setup --address alice@example.com --password-file - < password',
    )
    .action(async (what: string | undefined, options: SetupOptions) => {
      if (what !== undefined && /^https?:/i.test(what)) {
        await (await import('./provision-command.ts')).setupFrom(context(), what, options);
        return;
      }
      const address = options.address ?? what;
      await (
        await import('./setup-command.ts')
      ).setup(context(), { ...options, ...(address !== undefined && { address }) });
    });
}
