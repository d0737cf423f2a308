import type { ToneKind } from '@offhook/media-rpc';
import type { ToneCadence } from './media-plane.ts';

/**
 * Call progress tones by country: frequencies and cadences as the administrations report them in
 * ITU-T E.180 Supplement 2 (E.180/Q.35 names the tones). Kept as `frequencies: on/off/…`, because that is how the
 * supplement's tables read.
 */
interface Plan {
  readonly dial: string;
  readonly ringback: string;
  readonly busy: string;
  readonly congestion: string;
  readonly callwaiting: string;
}

/** `425: 480/480` is 425 Hz for 480 ms, then 480 ms of silence; `350+440` two tones without end. */
const plans: Readonly<Record<string, Plan>> = {
  // ETSI TR 101 041-2: the tones of a European who comes from nowhere.
  default: {
    dial: '425',
    ringback: '425: 1000/4000',
    busy: '425: 500/500',
    congestion: '425: 200/200',
    callwaiting: '425: 200/600/200/3000',
  },
  at: {
    dial: '420',
    ringback: '420: 1000/5000',
    busy: '420: 400/400',
    congestion: '420: 200/200',
    callwaiting: '420: 40/1950',
  },
  au: {
    dial: '413+438',
    ringback: '400+450: 400/200/400/2000',
    busy: '425: 375/375',
    congestion: '425: 375/375',
    callwaiting: '425: 200/200/200/4400',
  },
  be: {
    dial: '425',
    ringback: '425: 1000/3000',
    busy: '425: 500/500',
    congestion: '425: 167/167',
    callwaiting: '1400: 175/175/175/3500',
  },
  ch: {
    dial: '425',
    ringback: '425: 1000/4000',
    busy: '425: 500/500',
    congestion: '425: 200/200',
    callwaiting: '425: 200/200/200/4000',
  },
  de: {
    dial: '425',
    ringback: '425: 1000/4000',
    busy: '425: 480/480',
    congestion: '425: 240/240',
    callwaiting: '425: 200/200/200/5000',
  },
  es: {
    dial: '425',
    ringback: '425: 1500/3000',
    busy: '425: 200/200',
    congestion: '425: 200/200/200/200/200/600',
    callwaiting: '425: 175/175/175/3500',
  },
  fr: {
    dial: '440',
    ringback: '440: 1500/3500',
    busy: '440: 500/500',
    congestion: '440: 250/250',
    callwaiting: '440: 300/10000',
  },
  gb: {
    dial: '350+440',
    ringback: '400+450: 400/200/400/2000',
    busy: '400: 375/375',
    congestion: '400: 400/350/225/525',
    callwaiting: '400: 100/4000',
  },
  it: {
    dial: '425: 200/200/600/1000',
    ringback: '425: 1000/4000',
    busy: '425: 500/500',
    congestion: '425: 200/200',
    callwaiting: '425: 400/100/250/100/150/14000',
  },
  jp: {
    dial: '400',
    // 400 Hz modulated with 16 Hz: its side bands.
    ringback: '384+416: 1000/2000',
    busy: '400: 500/500',
    congestion: '400: 500/500',
    callwaiting: '384+416: 500/8000',
  },
  nl: {
    dial: '425',
    ringback: '425: 1000/4000',
    busy: '425: 500/500',
    congestion: '425: 250/250',
    callwaiting: '425: 500/9500',
  },
  pl: {
    dial: '425',
    ringback: '425: 1000/4000',
    busy: '425: 500/500',
    congestion: '425: 500/500',
    callwaiting: '425: 150/150/150/4000',
  },
  us: {
    dial: '350+440',
    ringback: '440+480: 2000/4000',
    busy: '480+620: 500/500',
    congestion: '480+620: 250/250',
    callwaiting: '440: 300/10000',
  },
};

/** Countries with a plan of their own, ISO 3166-1 alpha-2 in lower case. */
export const tonePlanCountries: readonly string[] = Object.keys(plans).filter(
  (name) => name !== 'default',
);

/** Loud enough to be heard, 12 dB below what would hurt in a headset. */
const PROGRESS_DB = -24;
const RINGER_DB = -18;
/** An electronic ringer's warble, which is found in a room more easily than one tone. */
const WARBLE: readonly (readonly number[])[] = [[880], [1108]];
const WARBLE_MS = 80;

type Step = ToneCadence['steps'][number];

/** The tone of a country (case does not matter), or of the default plan where it has none. */
export function toneFor(kind: ToneKind, country: string): ToneCadence {
  const plan = plans[country.toLowerCase()] ?? plans['default'];
  if (plan === undefined) return { steps: [], levelDb: PROGRESS_DB };
  if (kind === 'error') return { steps: specialInformation, levelDb: PROGRESS_DB };
  if (kind === 'ring') {
    // The bell rings in the rhythm that the caller hears.
    return { steps: parse(plan.ringback).flatMap(warble), levelDb: RINGER_DB };
  }
  return { steps: parse(plan[kind]), levelDb: PROGRESS_DB };
}

/** E.180 §6: three rising tones of 330 ms and a second of silence, the same everywhere. */
const specialInformation: readonly Step[] = [
  ...[950, 1400, 1800].map((frequency) => ({ frequencies: [frequency], ms: 330 })),
  { frequencies: [], ms: 1000 },
];

function parse(text: string): Step[] {
  const [tones = '', cadence] = text.split(': ');
  const frequencies = tones.split('+').map(Number);
  if (cadence === undefined) return [{ frequencies, ms: 1000 }];
  return cadence
    .split('/')
    .map((ms, index) => ({ frequencies: index % 2 === 0 ? frequencies : [], ms: Number(ms) }));
}

function warble(step: Step): Step[] {
  if (step.frequencies.length === 0) return [step];
  const count = Math.max(1, Math.round(step.ms / WARBLE_MS));
  return Array.from({ length: count }, (_, index) => ({
    frequencies: WARBLE[index % WARBLE.length] ?? [],
    ms: step.ms / count,
  }));
}
