import { audioRole, digits, voiceWishes } from '@offhook/media-rpc/schemas';
import { z } from 'zod';
import { contact } from '../people/contact.ts';
import { lampInfo, mailboxInfo, storedMessageInfo } from './presence-schemas.ts';
import {
  accountInfo,
  callInfo,
  checkInfo,
  dialPreview,
  devicesInfo,
  enginesInfo,
  journalCall,
  journalInfo,
  modeInfo,
  settingsInfo,
  statusInfo,
} from './schemas.ts';
import { callId } from './call-id.ts';
import type { controlEvents } from './events.ts';
import { supportMethods } from './support-api.ts';

/**
 * The control socket's methods and events, each one row: docs/control-api.md is made from it, the
 * daemon serves it, the CLI and the TUI call it.
 */

interface Row {
  readonly summary: string;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
}

/** Characters; larger books come in pieces. */
const MAX_IMPORT = 512 * 1024;
const none = z.object({});
const oneCall = z.object({ call: callId.optional() });
const oneOrAllCalls = z.object({
  call: callId.optional(),
  all: z.boolean().default(false).describe('Every call that this applies to'),
});
const wait = z
  .int()
  .min(1)
  .max(3_600_000)
  .optional()
  .describe('Milliseconds to wait until the call is established; fails when it is refused');
const account = z.string().max(512).describe('Address of record, or its user part').optional();
const target = z.string().max(1024).describe('Number, name, `user@host` or SIP URI');
const reason = z
  .string()
  .max(128)
  .regex(/^[^\p{Cc}]*$/u, 'must be one line')
  .describe('The words beside the status');
const transferWait = z
  .int()
  .min(1)
  .max(600_000)
  .optional()
  .describe('Milliseconds to wait for the outcome; fails when the transfer does');
const calls = z.object({ calls: z.array(callInfo) });
const idOrName = z.string().min(1).max(256).describe('Id, or a name');

export const controlMethods = {
  status: { summary: 'The daemon, its lines and its engine', params: none, result: statusInfo },
  'journal.get': {
    summary: 'What the next daemon would go on with, if this one were killed now',
    params: none,
    result: z.object({ journal: journalInfo, calls: z.array(journalCall) }),
  },
  'calls.list': { summary: 'Calls that are not over, oldest first', params: none, result: calls },
  'call.get': { summary: 'One call, also one that is over', params: oneCall, result: callInfo },
  'call.dial': {
    summary: 'Places a call. Returns at once unless `wait` is given',
    params: z.object({
      target,
      account,
      wait,
    }),
    result: callInfo,
  },
  'call.preview': {
    summary: 'What would be dialled by which account, and why; nothing is',
    params: z.object({ target, account }),
    result: dialPreview,
  },
  'call.answer': {
    summary: 'Takes an incoming call; active ones are put on hold',
    params: oneCall.extend({ wait }),
    result: callInfo,
  },
  'call.reject': {
    summary: 'Declines incoming calls',
    params: oneOrAllCalls.extend({
      status: z.int().min(400).max(699).default(486).describe('SIP status; 486 is busy'),
      reason: reason.optional(),
    }),
    result: calls,
  },
  'call.redirect': {
    summary: 'Sends an incoming call elsewhere (302), without taking it',
    params: oneCall.extend({
      targets: z.array(target).min(1).max(8).describe('Tried in turn by the caller'),
    }),
    result: callInfo,
  },
  'call.redial': {
    summary: 'Calls whom the person called last, on the same line',
    params: z.object({ wait }),
    result: callInfo,
  },
  'call.swap': {
    summary: 'Takes up the call on hold and holds the one that is talked on',
    params: none,
    result: callInfo,
  },
  'call.transfer': {
    summary:
      'Hands the other party on: to a target (blind), or to the other party of a second call (attended). Returns when it has been asked for unless `wait` is given; `call.changed` tells how it fares. When it fails, the calls are as they were',
    params: oneCall.extend({
      target: target.optional(),
      other: callId.optional().describe('The second call, in place of a target'),
      wait: transferWait,
    }),
    result: callInfo,
  },
  'call.join': {
    summary:
      'Brings calls into a conference, mixed at the thin client: each party hears the others and the microphone. Calls on hold are taken up',
    params: z.object({
      calls: z
        .array(callId)
        .max(32)
        .default([])
        .describe('With those that they are in conference with already; none: every call'),
    }),
    result: calls,
  },
  'call.leave': {
    summary: 'Takes a call out of its conference, and puts it on hold; `call.join` brings it back',
    params: oneCall,
    result: callInfo,
  },
  'call.park': {
    summary: 'Hands the other party on to the park code of the configuration',
    params: oneCall.extend({ wait: transferWait }),
    result: callInfo,
  },
  'call.pickup': {
    summary:
      'Takes a call that rings at another phone, or in the group: of a watched phone that tells enough by Replaces (RFC 3891), else by feature code',
    params: z.object({
      extension: target.optional().describe('The phone; the group if absent'),
      account,
      wait,
    }),
    result: callInfo,
  },
  'call.retrieve': {
    summary: 'Takes a parked call, by feature code',
    params: z.object({ extension: target.describe('Its slot'), account, wait }),
    result: callInfo,
  },
  'call.hangup': { summary: 'Ends calls, in whatever state', params: oneOrAllCalls, result: calls },
  'call.hold': {
    summary: 'Puts established calls on hold; returns when the peer has agreed',
    params: oneOrAllCalls,
    result: calls.extend({
      failed: z
        .array(z.object({ call: z.string(), message: z.string() }))
        .describe('With `all`: calls that could not be held, and why; of one call it is the error'),
    }),
  },
  'call.resume': {
    summary: 'Takes a call off hold; other active ones are put on hold',
    params: oneCall,
    result: callInfo,
  },
  'call.mute': { summary: 'Silences the microphone', params: oneOrAllCalls, result: calls },
  'call.unmute': { summary: 'Opens the microphone again', params: oneOrAllCalls, result: calls },
  'call.dtmf': {
    summary: 'Sends digits; returns when the last one is out',
    params: oneCall.extend({ digits: digits.describe('0-9, A-D, * and #') }),
    result: callInfo,
  },
  'call.record': {
    summary:
      'Records both parties of a call in a file at the thin client, where its policy allows that. While it is paused, silence is recorded in place of both',
    params: oneCall.extend({ action: z.enum(['start', 'pause', 'resume', 'stop']) }),
    result: callInfo,
  },
  'mode.get': {
    summary: 'The handset in use, and how the desk phone fares',
    params: none,
    result: modeInfo,
  },
  'mode.set': {
    summary:
      'Chooses the handset that is used from now on; calls stay where they are. It is remembered',
    params: z.object({ mode: z.enum(['soft', 'desk']) }),
    result: modeInfo,
  },
  'call.move': {
    summary:
      'Moves a call to the other handset: `desk`, the desk phone, or `soft`, the thin client. Returns when it is there; when it fails, the call stays where it was. One that rings is sent there to ring',
    params: oneCall.extend({
      to: z.enum(['soft', 'desk']).optional().describe('The other one if absent'),
    }),
    result: callInfo.describe('As it is there; as it was here while nobody can tell'),
  },
  'settings.get': {
    summary: 'What the person has set: do not disturb, forwarding',
    params: none,
    result: settingsInfo,
  },
  'settings.doNotDisturb': {
    summary:
      'Refuses calls as busy, or sends them where busy calls go; with the desk phone in use, it does so too',
    params: z.object({ on: z.boolean() }),
    result: settingsInfo,
  },
  'settings.forward': {
    summary: 'Sends calls of a line elsewhere; what is left out is taken back',
    params: z.object({
      account,
      asConfigured: z
        .boolean()
        .default(false)
        .describe('Back to what the configuration says; the rest is not looked at'),
      always: target.optional(),
      busy: target.optional(),
      noAnswer: target.optional(),
      afterMs: z.int().min(1000).max(300_000).default(20_000),
    }),
    result: settingsInfo,
  },
  'lamps.list': {
    summary: 'What the watched phones and persons do',
    params: none,
    result: z.object({ lamps: z.array(lampInfo) }),
  },
  'lamp.watch': {
    summary: 'Watches a phone or a person until the daemon ends; `lamp.changed` tells the rest',
    params: z.object({
      target,
      event: z
        .enum(['dialog', 'presence'])
        .default('dialog')
        .describe('The phone’s calls (RFC 4235), or the person (RFC 3856)'),
      name: z.string().max(64).optional(),
      account,
    }),
    result: lampInfo,
  },
  'lamp.unwatch': {
    summary: 'Watches it no more',
    params: z.object({ target, account }),
    result: z.object({ removed: z.boolean() }),
  },
  'voicemail.list': {
    summary: 'Messages that wait, as far as PBXs have told',
    params: none,
    result: z.object({ mailboxes: z.array(mailboxInfo) }),
  },
  'message.send': {
    summary: 'Sends a text message; returns when it was taken',
    params: z.object({ to: target, text: z.string().min(1).max(4096), account }),
    result: storedMessageInfo,
  },
  'messages.list': {
    summary: 'Text messages of both directions, newest first',
    params: z.object({
      with: z.string().max(256).optional().describe('A part of the other party’s address'),
      limit: z.int().min(1).max(5000).default(100),
    }),
    result: z.object({ messages: z.array(storedMessageInfo) }),
  },
  ...supportMethods,
  'contacts.list': {
    summary: 'Contacts, favourites first, then by name',
    params: z.object({
      query: z
        .string()
        .max(256)
        .default('')
        .describe('Words that name, organisation or number must all have'),
      limit: z.int().min(1).max(1000).default(200),
    }),
    result: z.object({ contacts: z.array(contact) }),
  },
  'contacts.save': {
    summary: 'Adds a contact, or changes the one with that id',
    params: contact.extend({ id: contact.shape.id.optional() }),
    result: contact,
  },
  'contacts.favourite': {
    summary: 'Puts a contact among the first, or takes it from there',
    params: z.object({ contact: idOrName, favourite: z.boolean() }),
    result: contact,
  },
  'contacts.remove': {
    summary: 'Removes a contact',
    params: z.object({ contact: idOrName }),
    result: contact,
  },
  'contacts.import': {
    summary: 'Adds the cards of a vCard file; those with a known UID are replaced',
    params: z.object({ vcards: z.string().max(MAX_IMPORT).describe('vCard 3.0 or 4.0') }),
    result: z.object({
      imported: z.int(),
      problems: z
        .array(z.object({ line: z.int(), message: z.string() }))
        .describe('Cards that cannot be read; all others are there'),
    }),
  },
  'accounts.list': {
    summary: 'Lines and their registration',
    params: none,
    result: z.object({ accounts: z.array(accountInfo) }),
  },
  'config.reload': {
    summary:
      'Reads the configuration anew and takes it up at once: calls go on, clients are disconnected',
    params: none,
    result: z.object({
      added: z.array(z.string()).describe('Addresses of record'),
      removed: z.array(z.string()),
      changed: z.array(z.string()).describe('Lines whose settings are others'),
    }),
  },
  'account.register': {
    summary: 'Registers now',
    params: z.object({ account }),
    result: accountInfo,
  },
  'account.unregister': {
    summary: 'Takes the registration back',
    params: z.object({ account }),
    result: accountInfo,
  },
  'engines.list': {
    summary: 'Thin clients that the phone can be used at, and which it is',
    params: none,
    result: enginesInfo,
  },
  'engines.use': {
    summary: 'Moves the calls, and the phone, to another thin client that is connected',
    params: z.object({ channel: z.string().min(1).max(512) }),
    result: enginesInfo,
  },
  'devices.list': {
    summary: 'Audio devices of the thin client',
    params: none,
    result: devicesInfo,
  },
  'devices.select': {
    summary: 'Chooses an audio device',
    params: z.object({ role: audioRole, id: z.string().min(1).max(512) }),
    result: devicesInfo,
  },
  'audio.volume': {
    summary: 'How loud it is at the thin client, multiplied with what is set there',
    params: z.object({
      role: audioRole,
      volume: z.number().min(0).max(4).describe('1: unchanged'),
    }),
    result: none,
  },
  'audio.voice': {
    summary:
      'What is taken out of what the microphone sends; what the person at the thin client has switched stays so',
    params: voiceWishes,
    result: none,
  },
  'doctor.run': {
    summary: 'Checks every layer from the engine to the registrar, and the sound of a test call',
    params: z.object({
      call: target
        .optional()
        .describe('Whom to call for it: somebody who answers by himself, best an echo'),
    }),
    result: z.object({ checks: z.array(checkInfo) }),
  },
} as const satisfies Record<string, Row>;

export { controlEvents } from './events.ts';

export type ControlMethodName = keyof typeof controlMethods;
export type ControlEventName = keyof typeof controlEvents;
export type ControlParams<M extends ControlMethodName> = z.output<
  (typeof controlMethods)[M]['params']
>;
export type ControlInput<M extends ControlMethodName> = z.input<
  (typeof controlMethods)[M]['params']
>;
export type ControlResult<M extends ControlMethodName> = z.output<
  (typeof controlMethods)[M]['result']
>;
export type ControlEvents = {
  [E in ControlEventName]: z.output<(typeof controlEvents)[E]['params']>;
};
