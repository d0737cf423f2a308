import type { Command } from 'commander';
import { asCount } from './arguments.ts';
import type { Context } from './call-commands.ts';

const commands = () => import('./presence-commands.ts');

/** Commands about what others do, and text messages. */
export function presenceCommands(program: Command, context: () => Context): void {
  program
    .command('lamps')
    .description('what the watched phones and persons do')
    .action(async () => (await commands()).lamps(context()));
  program
    .command('watch')
    .description('watch a phone (its calls), or with --presence a person')
    .argument('<target>', 'number, name or SIP URI')
    .option('--presence', 'the person instead of the phone')
    .option('--name <name>', 'what the lamp is called')
    .option('--account <aor>', 'the line that watches')
    .option('--off', 'watch no more')
    .action(
      async (
        target: string,
        options: { presence?: boolean; name?: string; account?: string; off?: boolean },
      ) => (await commands()).watch(context(), target, options),
    );
  program
    .command('voicemail')
    .description('messages that wait in the mailboxes of the lines')
    .action(async () => (await commands()).voicemail(context()));
  program
    .command('message')
    .description('send a text message')
    .argument('<to>', 'number, name or SIP URI')
    .argument('<words...>', 'the text')
    .option('--account <aor>', 'the line to send from')
    .action(async (to: string, words: string[], { account }: { account?: string }) =>
      (await commands()).message(context(), to, words.join(' '), account),
    );
  program
    .command('messages')
    .description('text messages, oldest first')
    .argument('[peer]', 'only with this one: a part of the address')
    .option('-n, --limit <number>', 'at most so many of the newest', asCount, 50)
    .action(async (peer: string | undefined, { limit }: { limit: number }) =>
      (await commands()).messages(context(), peer, limit),
    );
}
