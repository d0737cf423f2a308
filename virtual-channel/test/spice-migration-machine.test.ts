import { describe, expect, it } from 'vitest';
import {
  SETTLED,
  stepMigration,
  type MigrationInput,
  type MigrationState,
} from '../src/spice/migration/machine.ts';

/** Feeds the inputs from rest; the effects of each, and the state in the end. */
function play(...inputs: readonly MigrationInput[]) {
  let state: MigrationState = SETTLED;
  const effects = inputs.map((input) => {
    const step = stepMigration(state, input);
    state = step.state;
    return step.effects;
  });
  return { state: state.kind, effects, last: effects.at(-1) ?? [] };
}

const semi: MigrationInput = { kind: 'begin', version: undefined };
const seamless: MigrationInput = { kind: 'begin', version: 2 };
const main: MigrationInput = { kind: 'main-linked' };
const port: MigrationInput = { kind: 'port-linked' };
const yes: MigrationInput = { kind: 'seamless-answer', accepted: true };
const no: MigrationInput = { kind: 'seamless-answer', accepted: false };
const end: MigrationInput = { kind: 'end' };
const cancel: MigrationInput = { kind: 'cancel' };
const failed: MigrationInput = { kind: 'destination-failed' };
const late: MigrationInput = { kind: 'late' };
const migrate = (channel: 'main' | 'port', data = true): MigrationInput => ({
  kind: 'migrate',
  channel,
  flush: true,
  data,
});
const data = (channel: 'main' | 'port'): MigrationInput => ({ kind: 'data', channel });
const closed = (channel: 'main' | 'port'): MigrationInput => ({ kind: 'source-closed', channel });
const connectedSemi = [semi, main, port];
const connectedSeamless = [seamless, main, yes, port];

describe('a semi-seamless migration', () => {
  it('links both channels, tells the source, and leaves it at its end', () => {
    expect(play(...connectedSemi, end)).toMatchObject({
      state: 'settled',
      effects: [
        [{ kind: 'link-main' }],
        [{ kind: 'link-port' }],
        [{ kind: 'tell-connected', seamless: false }],
        [{ kind: 'finish' }],
      ],
    });
  });

  it('can be followed by another', () => {
    expect(play(...connectedSemi, end, semi).last).toEqual([{ kind: 'link-main' }]);
  });
});

describe('a seamless migration', () => {
  it('asks the destination before it links the port', () => {
    expect(play(seamless, main).last).toEqual([{ kind: 'ask-seamless', version: 2 }]);
    expect(play(seamless, main, yes).last).toEqual([{ kind: 'link-port' }]);
    expect(play(...connectedSeamless).last).toEqual([{ kind: 'tell-connected', seamless: true }]);
  });

  it('becomes semi-seamless where the destination cannot do it', () => {
    expect(play(seamless, main, no, port).last).toEqual([
      { kind: 'tell-connected', seamless: false },
    ]);
    expect(play(seamless, main, no, port, end).last).toEqual([{ kind: 'finish' }]);
  });

  it.each([
    ['main', 'port'],
    ['port', 'main'],
  ] as const)('carries over %s, then %s', (first, second) => {
    const moved = play(
      ...connectedSeamless,
      migrate(first),
      migrate(second),
      data(first),
      closed(first),
      data(second),
    );
    expect(moved.state).toBe('settled');
    expect(moved.effects.flat().filter(({ kind }) => kind === 'carry')).toEqual([
      { kind: 'carry', channel: first },
      { kind: 'carry', channel: second },
    ]);
  });

  it('sends nothing on the port behind its flush mark', () => {
    expect(play(...connectedSeamless, migrate('port')).last).toEqual([
      { kind: 'hold-port' },
      { kind: 'flush-mark', channel: 'port' },
    ]);
  });

  it('carries over at once what has no data', () => {
    expect(play(...connectedSeamless, migrate('main', false)).last).toEqual([
      { kind: 'flush-mark', channel: 'main' },
      { kind: 'carry', channel: 'main' },
    ]);
  });
});

describe('a migration that goes wrong', () => {
  it.each([
    ['the destination refuses the main channel', [semi, failed]],
    ['the destination refuses the port', [semi, main, failed]],
    ['the destination never answers about seamless migration', [seamless, main, late]],
  ])('stays at the source and tells it when %s', (_what, inputs) => {
    expect(play(...inputs)).toMatchObject({
      state: 'settled',
      last: [{ kind: 'drop-destination' }, { kind: 'tell-failed' }],
    });
  });

  it.each([
    ['while connecting', [semi]],
    ['when connected', connectedSemi],
    ['when connected seamlessly', connectedSeamless],
  ])('stays at the source when that cancels %s', (_when, inputs) => {
    expect(play(...inputs, cancel)).toMatchObject({
      state: 'settled',
      last: [{ kind: 'drop-destination' }],
    });
  });

  it('begins anew when the source does', () => {
    expect(play(...connectedSemi, seamless).last).toEqual([
      { kind: 'drop-destination' },
      { kind: 'link-main' },
    ]);
  });

  it('connects anew at the destination when that was lost and the source moves on all the same', () => {
    for (const over of [end, migrate('main')]) {
      expect(play(...connectedSeamless, failed, over).last).toEqual([
        { kind: 'leave', certain: true },
      ]);
    }
  });

  it('stays at the source when the destination was lost and the source gives up', () => {
    expect(play(...connectedSeamless, failed, cancel)).toMatchObject({
      state: 'settled',
      last: [],
    });
  });

  it.each([
    ['the destination goes', [failed]],
    ['the data does not come', [late]],
    ['the source closes the channel before its data', [closed('port')]],
    ['data comes that was not announced', [data('main')]],
    ['a channel is to move twice', [migrate('port')]],
  ])('connects anew at the destination when, half-way, %s', (_what, inputs) => {
    expect(play(...connectedSeamless, migrate('port'), ...inputs)).toMatchObject({
      state: 'left',
      last: [{ kind: 'leave', certain: true }],
    });
  });

  it.each([
    ['at rest', []],
    ['while connecting', [semi]],
    ['when connected', connectedSemi],
    ['when the destination was lost', [...connectedSemi, failed]],
  ])('looks at both servers when the source is gone %s', (_when, inputs) => {
    expect(play(...inputs, closed('main')).last).toEqual([{ kind: 'leave', certain: false }]);
  });
});

describe('a switch of the host', () => {
  it.each([
    ['at rest', []],
    ['after a destination that could not be reached', [semi, failed]],
    ['while connecting', [semi, main]],
    ['when connected', connectedSemi],
  ])('is a new connection there: %s', (_when, inputs) => {
    expect(play(...inputs, { kind: 'switch-host' })).toMatchObject({
      state: 'left',
      last: [{ kind: 'leave', certain: true }],
    });
  });
});

it('changes nothing by what it does not expect', () => {
  expect(play(port, main, yes, end, cancel, late, data('port')).state).toBe('settled');
  expect(play({ kind: 'switch-host' }, semi, main, end)).toMatchObject({ state: 'left', last: [] });
});
