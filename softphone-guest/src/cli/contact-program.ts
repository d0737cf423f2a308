import type { Command } from 'commander';
import type { Context } from './call-commands.ts';

export function contactCommands(program: Command, context: () => Context): void {
  const contacts = program
    .command('contacts')
    .description('people and places to call, by name, organisation or number')
    .argument('[words...]', 'only those that have all of them')
    .action(async (words: string[]) =>
      (await import('./contact-commands.ts')).list(context(), words),
    );
  contacts
    .command('add')
    .description('add a contact')
    .argument('<name>')
    .argument('<numbers...>', 'number or SIP address, as `work:030123` if its kind matters')
    .option('--organisation <name>')
    .option('--favourite', 'among the first')
    .addHelpText(
      'after',
      '\nExample:\n  offhook contacts add "Bob Smith" work:030123456 mobile:0171555',
    )
    .action(
      async (
        name: string,
        numbers: string[],
        options: { organisation?: string; favourite?: boolean },
      ) => (await import('./contact-commands.ts')).add(context(), name, numbers, options),
    );
  contacts
    .command('remove')
    .description('remove a contact')
    .argument('<contact>', 'its name, or its id as `offhook contacts --json` says')
    .action(async (contact: string) =>
      (await import('./contact-commands.ts')).remove(context(), contact),
    );
  contacts
    .command('favourite')
    .description('put a contact among the first')
    .argument('<contact>', 'its name, or its id as `offhook contacts --json` says')
    .option('--off', 'no longer')
    .action(async (contact: string, { off }: { off?: boolean }) =>
      (await import('./contact-commands.ts')).favourite(context(), contact, off !== true),
    );
  contacts
    .command('import')
    .description('add the cards of a vCard file')
    .argument('<file>', 'vCard 3.0 or 4.0; - for standard input')
    .action(async (file: string) =>
      (await import('./contact-commands.ts')).importFile(context(), file),
    );
  contacts
    .command('export')
    .description('write all contacts as vCard 4.0')
    .argument('[file]', 'standard output if left out')
    .action(async (file?: string) =>
      (await import('./contact-commands.ts')).exportFile(context(), file),
    );
}
