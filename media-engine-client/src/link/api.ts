import { z } from 'zod';

/**
 * What the link process of a desktop says and is told. Its control socket is
 * `<state-dir>/links/<id>.sock`; towards the engine it opens channels at `<state-dir>/links.sock`.
 */

const none = z.object({});

/** How it stands with one desktop. */
export const linkReport = z.object({
  /** The beginning of its control socket's name. */
  id: z.string().max(64),
  pid: z.int(),
  /** The desktop, as `spice://HOST:PORT`. */
  address: z.string().max(1024),
  /** The name of the SPICE port. */
  port: z.string().max(128),
  /**
   * `idle`: no viewer is there, and nothing is wanted without one. `refused`: nothing is tried any more
   * until there is another ticket or viewer.
   */
  state: z.enum(['idle', 'connecting', 'linked', 'waiting', 'refused']),
  /** Why it is not linked; empty while nothing has failed. */
  message: z.string().max(4096),
  remedy: z.string().max(4096).optional(),
  /** Viewers that go through the link. */
  viewers: z.int(),
  /** The port is kept open without a viewer too. */
  headless: z.boolean(),
});

/** A desktop as `.vv` file or SPICE address; where a ticket is given, it goes before theirs. */
const desktop = z.object({
  desktop: z.string().max(128 * 1024),
  ticket: z.string().max(64).optional(),
});

export const linkMethods = {
  status: { params: none, result: linkReport },
  /** This source, with its ticket, from now on: at once where nothing is linked. */
  use: { params: desktop, result: none },
  /** What a viewer needs to get in, as a `.vv` file; its ticket is good as long as `attend` runs. */
  admit: { params: none, result: z.object({ id: z.int(), file: z.string() }) },
  /** Runs until it is taken back. A link that nobody attends ends. */
  attend: {
    params: z.discriminatedUnion('as', [
      z.object({ as: z.literal('viewer'), admission: z.int() }),
      /** The port is wanted without a viewer too. */
      z.object({ as: z.literal('engine') }),
    ]),
    result: none,
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

/** What a link says at the engine's socket: which of its two kinds of channel this one is. */
export const introduction = z.discriminatedUnion('kind', [
  /** `LinkReport`s, one JSON object a line. */
  z.object({ kind: z.literal('reports') }),
  /** The bytes of the guest's port, while the guest has it open. */
  z.object({
    kind: z.literal('port'),
    address: z.string().max(1024),
    port: z.string().max(128),
  }),
]);

export type LinkReport = z.output<typeof linkReport>;
export type LinkIntroduction = z.output<typeof introduction>;

/** Told to whoever subscribes: the report is another one. */
export const LINK_CHANGED = 'changed';
export const MAX_REPORT_BYTES = 16 * 1024;
