import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goertzel } from '@offhook/common/audio';
import { until } from '@offhook/test-sipp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addressOf,
  openOffice,
  VOICES,
  type Desk,
  type Office,
  type Person,
} from '../src/office.ts';

const PEOPLE = ['alice', 'carol', 'dave'] as const;
const AUDIBLE_DB = -40;
/** Where screens are kept that pictures are made of (`npm run pictures`). */
const PICTURES = join(import.meta.dirname, '../../../build/tour');

let office: Office;

beforeAll(async () => {
  office = await openOffice({ columns: 100, rows: 28 });
});

afterAll(async () => {
  await office.close();
});

/** The screen as it is now, for a picture. */
async function keep(name: string): Promise<void> {
  await mkdir(PICTURES, { recursive: true });
  await writeFile(join(PICTURES, `${name}.ansi`), await office.screen.colours());
}

/** The id of the call that rings there, once it does. */
async function rings({ phone }: Desk): Promise<string> {
  const { id } = await until(
    'a call to ring',
    async () => (await phone.calls()).find(({ state }) => state === 'incoming'),
    { within: 6000 },
  );
  return id;
}

async function take(desk: Desk): Promise<void> {
  await desk.phone.call('call.answer', { call: await rings(desk), wait: 8000 });
}

/** What that person hears from now on has exactly these voices in it. */
async function hears(listener: Person, ...voices: readonly Person[]): Promise<void> {
  const { engine } = office[listener];
  const since = await engine.mark().catch(() => 0);
  let heard: readonly string[] = [];
  await until(
    `${listener} to hear ${voices.join(' and ')}`,
    async () => {
      const { samples, sampleRate } = await engine.played();
      // A loudspeaker that is opened anew begins its file anew.
      if (samples.length / sampleRate < since + 0.5 && samples.length / sampleRate >= since)
        return false;
      const now = samples.subarray(-Math.round(0.3 * sampleRate));
      heard = PEOPLE.filter((person) => goertzel(now, VOICES[person], sampleRate) > AUDIBLE_DB);
      return heard.join() === voices.join();
    },
    { within: 8000, every: 100, seen: () => `heard is ${heard.join(' and ') || 'nobody'}` },
  );
}

it('the day begins: registered, engine there, lamps of the colleagues', async () => {
  const screen = await office.screen.shows(/Carol free +Dave free/);
  expect(screen).toMatch(/\* alice@example\.com registered/);
  expect(screen).toMatch(/\* engine: connected/);
  expect(screen).toContain('No calls. Press d to dial.');
  expect(await office.screen.title()).toBe('Offhook\n');
});

it('a call is taken', async () => {
  const { screen, carol } = office;
  const { id } = await carol.phone.dial(addressOf('alice'));
  expect(await screen.shows(/INCOMING CALL +Carol Jones <carol>/)).toMatch(/a answer +r reject/);
  await screen.type('a');
  await screen.shows(/> talking +0:0\d +Carol Jones <carol>/);
  await carol.phone.becomes(id, 'established');
  await hears('alice', 'carol');
  await hears('carol', 'alice');
  await screen.shows(/opus +MOS 4\.\d +loss 0\.0 % .*RTT/);
  await keep('call');
});

it('the call is held and resumed', async () => {
  const { screen } = office;
  await screen.type('h');
  expect(await screen.shows(/Carol Jones <carol> +\[on hold\]/)).toContain('Carol busy');
  await hears('carol');
  await screen.type('h');
  await screen.loses(/\[on hold\]/);
  await hears('carol', 'alice');
});

it('a colleague is consulted, and the two are put through to each other', async () => {
  const { screen, alice, carol, dave } = office;
  await screen.type('d');
  await screen.shows(/Dial: /);
  await screen.type('dave');
  await screen.press('Enter');
  await screen.shows(/> (dialing|ringing).*Dave Brown <dave>/);
  await take(dave);
  await screen.shows(/talking.*Carol Jones <carol> +\[on hold\]\n.*talking.*Dave Brown <dave>\n/);
  await hears('dave', 'alice');
  await screen.type('t');
  await screen.shows(/Transfer to: /);
  await screen.press('Enter');
  await screen.shows(/No calls/);
  expect(await alice.phone.calls()).toEqual([]);
  await hears('carol', 'dave');
  await hears('dave', 'carol');
  await carol.phone.call('call.hangup', {});
  expect(await dave.phone.leftovers()).toBeUndefined();
});

it('a conference of three', async () => {
  const { screen, alice, carol, dave } = office;
  for (const [user, desk] of Object.entries({ carol, dave })) {
    // As over a slow line: all in one piece.
    await screen.type(`d${user}`);
    await screen.shows(new RegExp(`Dial: ${user}`));
    await screen.press('Enter');
    await take(desk);
    await screen.shows(new RegExp(`> talking.*<${user}>`));
  }
  await screen.type('b');
  await screen.shows(/Carol.*\[in conference\]\n.*Dave.*\[in conference\]/);
  await hears('carol', 'alice', 'dave');
  await hears('dave', 'alice', 'carol');
  // A file takes the sound of one call; the levels are of both.
  for (const { id } of await alice.phone.calls())
    await alice.phone.sees(id, 'heard', ({ media }) => (media.outputDb ?? -120) > AUDIBLE_DB);
  // On a wide screen the calls stand beside the view.
  await screen.resize(132, 28);
  await screen.type('v');
  const wide = await screen.shows(/MOS +.*[▅▆▇█]{5}/, 12_000);
  expect(wide).toMatch(/\[in conference\] +.*\n/);
  expect(wide).toMatch(/sent \d+ packets/);
  await keep('quality');
  await screen.resize(100, 28);
  await screen.press('Escape');
  // Together with the next key it would be another one, Alt-x.
  await screen.loses(/last minute/);
  await screen.type('x');
  await screen.loses(/<carol>/);
  await hears('dave', 'alice');
  await screen.type('x');
  await screen.shows(/No calls/);
  expect(await dave.phone.leftovers()).toBeUndefined();
});

it('a text message comes, and is answered', async () => {
  const { screen, dave } = office;
  await dave.phone.call('message.send', { to: addressOf('alice'), text: 'Lunch at one?' });
  await screen.shows(/Dave Brown: Lunch at one\?/);
  await screen.type('e');
  await screen.shows(/> .*from +Dave Brown +Lunch at one\?/);
  await screen.type('w');
  expect(await screen.shows(/To dave: /)).toContain('Enter sends');
  await screen.type('Yes, at one. ☺');
  await screen.press('Enter');
  await screen.shows(/to +Dave Brown +Yes, at one\. ☺\n.*from +Dave Brown +Lunch at one\?/);
  await until(
    'the answer to come',
    async () => {
      const { messages } = await dave.phone.call('messages.list', {});
      return messages.some(
        ({ text, direction }) => direction === 'in' && text === 'Yes, at one. ☺',
      );
    },
    { within: 6000 },
  );
  await screen.press('Escape');
});

it('a call is missed, and stands in the history', async () => {
  const { screen, carol } = office;
  const { id } = await carol.phone.dial(addressOf('alice'));
  await screen.shows(/INCOMING CALL/);
  expect(await screen.title()).toBe('INCOMING CALL Carol Jones <carol>\n');
  await carol.phone.hangup(id);
  expect(await screen.shows(/missed call from Carol Jones/)).not.toContain('INCOMING');
  await screen.type('y');
  await screen.shows(/History\n>! \d\d-\d\d \d\d:\d\d +missed .*Carol Jones <carol>/);
  await screen.press('Escape');
});

it('a call that rings at a colleague is picked up', async () => {
  const { screen, carol, dave } = office;
  const { id } = await dave.phone.dial(addressOf('carol'));
  expect(await screen.shows(/Carol RINGING +Dave/)).toMatch(/u pick up/);
  await screen.type('u');
  await screen.shows(/> talking/);
  await dave.phone.becomes(id, 'established');
  expect(await carol.phone.leftovers()).toBeUndefined();
  await hears('alice', 'dave');
  await hears('dave', 'alice');
  await keep('picked-up');
  await screen.type('x');
  await screen.shows(/No calls/);
  expect(await dave.phone.leftovers()).toBeUndefined();
});

it('the day ends: the screen is left, the phone stays', async () => {
  const { screen, alice } = office;
  expect(await screen.shows(/Carol free +Dave free/)).not.toContain('talking');
  await screen.type('q');
  await screen.ends();
  const { accounts } = await alice.phone.call('status', {});
  expect(accounts).toMatchObject([{ state: 'registered' }]);
});
