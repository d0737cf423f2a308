import { InvalidArgumentError, type Command } from 'commander';
import { asSeconds, CALL, waitOption } from './arguments.ts';
import type { Context } from './call-commands.ts';

const commands = () => import('./transfer-commands.ts');

/** Commands by which calls change hands, and what the person sets about calls to come. */
export function transferCommands(program: Command, context: () => Context): void {
  program
    .command('transfer')
    .description(
      'hand the other party on: `offhook transfer TARGET`, or to the party of a second call: `offhook transfer --to OTHER`',
    )
    .argument('[words...]', '[call] target')
    .option('--to <call>', 'the second call')
    .addOption(waitOption('wait for the outcome; exit 1 when it fails, 5 at the deadline'))
    .action(async (words: string[], options: { to?: string; wait?: number }) =>
      (await commands()).transfer(context(), words, options),
    );
  handsetCommands(program, context);
  program
    .command('swap')
    .description('take up the call on hold, and hold the other one')
    .action(async () => (await commands()).oneCall(context(), 'call.swap', {}));
  program
    .command('join')
    .description(
      'bring calls into a conference, mixed at the thin client; without names: all of them',
    )
    .argument('[calls...]', 'ids or first letters')
    .action(async (calls: string[]) => (await commands()).join(context(), calls));
  program
    .command('leave')
    .description('take a call out of its conference, and put it on hold')
    .argument('[call]', CALL)
    .action(async (call?: string) =>
      (await commands()).oneCall(context(), 'call.leave', call === undefined ? {} : { call }),
    );
  program
    .command('redirect')
    .description('send the incoming call elsewhere (302)')
    .argument('<targets...>', 'numbers, names or SIP URIs, tried in turn')
    .option('--call <call>', CALL)
    .action(async (targets: string[], { call }: { call?: string }) =>
      (await commands()).oneCall(context(), 'call.redirect', {
        targets,
        ...(call !== undefined && { call }),
      }),
    );
  program
    .command('redial')
    .description('call the last number again')
    .addOption(waitOption())
    .action(async (options: { wait?: number }) =>
      (await commands()).oneCall(context(), 'call.redial', options),
    );
  program
    .command('park')
    .description('hand the other party on to the park code ([codes] park)')
    .argument('[call]', CALL)
    .addOption(waitOption('wait for the outcome'))
    .action(async (call: string | undefined, options: { wait?: number }) =>
      (await commands()).oneCall(context(), 'call.park', {
        ...options,
        ...(call !== undefined && { call }),
      }),
    );
  program
    .command('retrieve')
    .description('take a parked call ([codes] retrieve)')
    .argument('<slot>', 'where it is parked')
    .option('--account <aor>', 'the line to call from')
    .addOption(waitOption())
    .action(async (extension: string, options: { account?: string; wait?: number }) =>
      (await commands()).oneCall(context(), 'call.retrieve', { extension, ...options }),
    );
  program
    .command('pickup')
    .description('take a call that rings elsewhere ([codes] pickup, group_pickup)')
    .argument('[extension]', 'the phone that rings; the group if left out')
    .option('--account <aor>', 'the line to call from')
    .addOption(waitOption())
    .action(async (extension: string | undefined, options: { account?: string; wait?: number }) =>
      (await commands()).oneCall(context(), 'call.pickup', {
        ...options,
        ...(extension !== undefined && { extension }),
      }),
    );
  program
    .command('dnd')
    .description('do not disturb: refuse calls; without a word: how it is')
    .argument('[state]', 'on or off', (text) => {
      if (text === 'on' || text === 'off') return text === 'on';
      return program.error('dnd: say on or off');
    })
    .action(async (on?: boolean) => (await commands()).doNotDisturb(context(), on));
  forwardCommand(program, context);
}

function handsetCommands(program: Command, context: () => Context): void {
  program
    .command('mode')
    .description(
      'use the desk phone or the softphone from now on; without a word: which is used, and what the desk phone cannot',
    )
    .argument('[handset]', 'desk or soft', asPlace)
    .action(async (handset?: 'soft' | 'desk') => (await commands()).mode(context(), handset));
  program
    .command('move')
    .description(
      'move a call to the other handset: `offhook move desk`, `offhook move soft`; when it fails, the call stays where it is',
    )
    .argument('[handset]', 'desk or soft; the other one if left out', asPlace)
    .option('--call <call>', CALL)
    .action(async (to: 'soft' | 'desk' | undefined, { call }: { call?: string }) =>
      (await commands()).oneCall(context(), 'call.move', {
        ...(to !== undefined && { to }),
        ...(call !== undefined && { call }),
      }),
    );
}

function asPlace(text: string): 'soft' | 'desk' {
  if (text === 'soft' || text === 'desk') return text;
  throw new InvalidArgumentError('desk or soft');
}

function forwardCommand(program: Command, context: () => Context): void {
  program
    .command('forward')
    .description('send calls elsewhere; without options: how it is')
    .option('--always <target>', 'every call')
    .option('--busy <target>', 'when the person talks, or is not to be disturbed')
    .option('--no-answer <target>', 'when nobody takes it')
    .option('--after <seconds>', 'ringing until then', asSeconds)
    .option('--off', 'take all of it back')
    .option('--as-configured', 'back to what the configuration says')
    .option('--account <aor>', 'the line; the first if left out')
    .action(
      async (options: {
        always?: string;
        busy?: string;
        /** commander has `--no-…` as a switch that is on by default. */
        answer?: string | boolean;
        after?: number;
        off?: boolean;
        asConfigured?: boolean;
        account?: string;
      }) => {
        const { always, busy, answer, after, off, asConfigured = false, account } = options;
        const noAnswer = typeof answer === 'string' ? answer : undefined;
        const set =
          off === true || asConfigured || [always, busy, noAnswer].some((one) => one !== undefined);
        const params = {
          asConfigured,
          ...(account !== undefined && { account }),
          ...(always !== undefined && { always }),
          ...(busy !== undefined && { busy }),
          ...(noAnswer !== undefined && { noAnswer }),
          ...(after !== undefined && { afterMs: after }),
        };
        await (await commands()).forward(context(), set ? params : undefined);
      },
    );
}
