import type { EndedSession, SessionState } from '@offhook/media-rpc';
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  nat,
  oneof,
  property,
  record,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconcile, type DesiredSession } from '../src/reconcile.ts';

/**
 * A guest, an engine and a far end as small as can be, parted and joined in any order: what
 * `reconcile` says is carried out, and the promises of the design are looked at after each joining.
 */

interface GuestCall {
  revision: number;
  /** A command has left, and its answer has not come. */
  inFlight: boolean;
  muted: boolean;
}

class World {
  readonly calls = new Map<string, GuestCall>();
  journal: 'healthy' | 'lost' = 'healthy';
  engine = new Map<string, SessionState>();
  ended: EndedSession[] = [];
  /** Engines that the phone has left, with what still runs there. */
  readonly former: Map<string, SessionState>[] = [];
  /** Calls that the person at the thin client has ended. */
  readonly hungUpThere = new Set<string>();
  /** Calls that the far end knows to be over, by a will. */
  readonly overByWill = new Set<string>();
  /** Calls that `reconcile` has ended, and those that it has had moved by re-INVITE. */
  readonly dropped = new Set<string>();
  readonly moved = new Set<string>();
  readonly kept = new Set<string>();
  connected = true;
  #next = 0;

  open(): void {
    if (!this.connected) return;
    const id = `call-${this.#next++}`;
    this.calls.set(id, { revision: 1, inFlight: false, muted: false });
    this.engine.set(id, session(id, 1));
  }

  /** A hold, say. Parted in the middle, the engine may have done it or not. */
  change(pick: number, fate: 'done' | 'lost-before' | 'lost-after'): void {
    const found = this.#pick(pick);
    if (found === undefined || !this.connected) return;
    const [id, call] = found;
    const there = this.engine.get(id);
    if (there === undefined || there.state === 'closed') return;
    const revision = Math.max(call.revision, there.revision) + 1;
    if (fate !== 'lost-before') this.engine.set(id, { ...there, revision });
    if (fate === 'done') call.revision = revision;
    else {
      call.inFlight = true;
      this.connected = false;
    }
  }

  mute(pick: number): void {
    const found = this.#pick(pick);
    if (found === undefined) return;
    const [id, call] = found;
    call.muted = !call.muted;
    const there = this.engine.get(id);
    if (this.connected && there !== undefined) this.engine.set(id, { ...there, muted: call.muted });
  }

  hangUpHere(pick: number): void {
    const found = this.#pick(pick);
    if (found === undefined) return;
    this.calls.delete(found[0]);
    if (this.connected) this.engine.delete(found[0]);
  }

  hangUpThere(pick: number): void {
    const ids = [...this.engine.keys()];
    const id = ids[pick % Math.max(1, ids.length)];
    const there = id === undefined ? undefined : this.engine.get(id);
    if (id === undefined || there === undefined) return;
    this.engine.set(id, { ...there, state: 'closed' });
    this.hungUpThere.add(id);
    if (this.connected) {
      this.calls.delete(id);
      this.engine.delete(id);
    }
  }

  part(): void {
    this.connected = false;
  }

  /** The worker plays on, or goes down with its engine. */
  engineDies(withWorker: boolean): void {
    this.connected = false;
    if (withWorker) this.engine = new Map();
  }

  /** Commands that were on their way are forgotten; the journal has what was committed. */
  guestDies(journalLost: boolean): void {
    this.connected = false;
    for (const call of this.calls.values()) call.inFlight = false;
    if (!journalLost) return;
    this.journal = 'lost';
    this.calls.clear();
  }

  leaseEnds(willObeyed: boolean): void {
    if (this.connected) return;
    for (const [id, there] of this.engine) {
      const answer = willObeyed ? 'SIP/2.0 200 OK' : 'SIP/2.0 407 Proxy Authentication Required';
      if (there.state !== 'closed' && willObeyed) this.overByWill.add(id);
      const will = { outcome: 'answered', attempts: 1, answer } as const;
      this.ended.push({ id, label: '', endedAt: 0, will });
    }
    this.engine = new Map();
  }

  roam(): void {
    this.connected = false;
    this.former.push(this.engine);
    this.engine = new Map();
    this.ended = [];
  }

  join(): void {
    this.connected = true;
    for (const action of reconcile(this.desired(), this.found())) {
      switch (action.type) {
        case 'adopt':
        case 'keep':
          if (action.type === 'keep') this.kept.add(action.session.id);
          break;
        case 'renegotiate':
          this.#offer(action.id, action.session.revision);
          break;
        case 'rebuild':
          this.#offer(action.id, 0);
          this.moved.add(action.id);
          break;
        case 'hangup':
          this.calls.delete(action.id);
          this.engine.delete(action.id);
          this.dropped.add(action.id);
          break;
        case 'mute': {
          const there = this.engine.get(action.id);
          if (there !== undefined) this.engine.set(action.id, { ...there, muted: action.muted });
          break;
        }
        case 'conference': {
          const there = this.engine.get(action.id);
          if (there === undefined) break;
          const { conference: _, ...rest } = there;
          const { conference } = action;
          this.engine.set(action.id, conference === undefined ? rest : { ...rest, conference });
          break;
        }
        case 'close':
          this.engine.delete(action.id);
          break;
        case 'forget':
          this.ended = this.ended.filter(({ id }) => id !== action.ended.id);
          break;
        default:
          action satisfies never;
      }
    }
    // Whoever waits for a command repeats it.
    for (const [id, call] of this.calls) {
      const there = this.engine.get(id);
      if (!call.inFlight || there === undefined) continue;
      const revision = Math.max(there.revision, call.revision + 1);
      this.engine.set(id, { ...there, revision });
      call.revision = revision;
      call.inFlight = false;
    }
  }

  desired() {
    const sessions = [...this.calls].map(([id, call]): DesiredSession => ({
      id,
      leftOver: false,
      ...call,
    }));
    return { sessions, journal: this.journal };
  }

  found() {
    return { sessions: [...this.engine.values()], ended: this.ended };
  }

  #offer(id: string, known: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    call.revision = Math.max(call.revision, known) + 1;
    call.inFlight = false;
    this.engine.set(id, { ...session(id, call.revision), muted: call.muted });
  }

  #pick(at: number): [string, GuestCall] | undefined {
    const all = [...this.calls];
    return all[at % Math.max(1, all.length)];
  }
}

function session(id: string, revision: number): SessionState {
  const rest = { muted: false, locallyMuted: false, label: '', openedAt: 0 };
  return { id, revision, state: 'active', ...rest };
}

const at = nat({ max: 20 });
const fault = oneof(
  constant((world: World) => world.open()),
  record({ at, fate: constantFrom('done', 'lost-before', 'lost-after') }).map(
    ({ at: pick, fate }) =>
      (world: World) =>
        world.change(pick, fate),
  ),
  at.map((pick) => (world: World) => world.mute(pick)),
  at.map((pick) => (world: World) => world.hangUpHere(pick)),
  at.map((pick) => (world: World) => world.hangUpThere(pick)),
  constant((world: World) => world.part()),
  boolean().map((worker) => (world: World) => world.engineDies(worker)),
  boolean().map((lost) => (world: World) => world.guestDies(lost)),
  boolean().map((obeyed) => (world: World) => world.leaseEnds(obeyed)),
  constant((world: World) => world.roam()),
  constant((world: World) => world.join()),
);

function check(world: World, live: ReadonlySet<string>): void {
  for (const [id, call] of world.calls) {
    // Every call has its session, at the revision that both ends know, muted as the person wants.
    expect(world.engine.get(id)).toMatchObject({ revision: call.revision, muted: call.muted });
  }
  for (const [id, there] of world.engine) {
    // No session is left that belongs to nobody, except those that a lost journal may have had.
    expect(world.calls.has(id) || (world.journal === 'lost' && world.kept.has(id))).toBe(true);
    expect(there.state).not.toBe('closed');
  }
  // No call is dropped that could go on.
  for (const id of live) {
    const mayEnd = world.hungUpThere.has(id) || world.overByWill.has(id);
    expect(world.calls.has(id) || mayEnd).toBe(true);
  }
  for (const id of world.dropped) {
    expect(world.hungUpThere.has(id) || world.overByWill.has(id)).toBe(true);
  }
  expect(world.ended).toEqual([]);
  // Asked again, there is nothing to be done.
  const again = reconcile(world.desired(), world.found()).map(({ type }) => type);
  expect(again.filter((type) => type !== 'adopt' && type !== 'keep')).toEqual([]);
}

describe('reconciliation after faults in any order', () => {
  it('leaks no session and drops no call that could live', () => {
    expect.hasAssertions();
    assert(
      property(array(fault, { minLength: 1, maxLength: 40 }), (faults) => {
        const world = new World();
        for (const happen of [...faults, (last: World) => last.join()]) {
          const wasApart = !world.connected;
          const before = new Set(world.calls.keys());
          happen(world);
          if (wasApart && world.connected) check(world, before);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('moves no audio of a call that the engine has kept as it was', () => {
    const world = new World();
    world.open();
    world.part();
    world.join();
    expect([...world.moved]).toEqual([]);
    world.roam();
    world.join();
    expect([...world.moved]).toEqual(['call-0']);
  });
});
