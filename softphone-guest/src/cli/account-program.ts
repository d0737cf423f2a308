import type { Command } from 'commander';
import type { AddOptions } from './account-commands.ts';
import type { Context } from './call-commands.ts';

export function accountCommands(program: Command, context: () => Context): void {
  const accounts = program
    .command('account')
    .description('the lines of this phone; add or remove one while calls go on')
    .action(async () => (await import('./account-commands.ts')).list(context()));
  accounts
    .command('list')
    .description('lines and their registration')
    .action(async () => (await import('./account-commands.ts')).list(context()));
  accounts
    .command('add')
    .description('try a SIP address and its password, write them down, and use them at once')
    .argument('[address]', 'alice@example.com; asked for if left out')
    .option('--password-file <file>', 'its first line; - for standard input; asked for if left out')
    .option('--username <name>', 'where it is another one than in the address')
    .option('--name <name>', 'the name that called people see')
    .option('--server <host>', 'HOST[:PORT] or SIP URI, where DNS does not lead to it')
    .addHelpText(
      'after',
      '\nExample:\n  offhook account add bob@example.com --password-file - < password',
    )
    .action(async (address: string | undefined, options: AddOptions) =>
      (await import('./account-commands.ts')).add(context(), address, options),
    );
  accounts
    .command('remove')
    .description('unregister a line and take it out of the configuration')
    .argument('<account>', 'its address of record or user part')
    .action(async (account: string) =>
      (await import('./account-commands.ts')).remove(context(), account),
    );
  program
    .command('reload')
    .description('take up the configuration as it is now; calls go on')
    .action(async () => (await import('./account-commands.ts')).reload(context()));
}
