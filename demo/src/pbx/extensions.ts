/** What an extension of the PBX does with a call. */
export type Treatment =
  | { readonly kind: 'answer'; readonly source: MediaSource }
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'ring' };

/** What the caller of an answering extension hears. */
export type MediaSource = 'echo' | 'music';

export interface Extension {
  readonly name: string;
  readonly what: string;
  readonly treatment: Treatment;
}

export const extensions: readonly Extension[] = [
  {
    name: 'echo',
    what: 'plays back what you say',
    treatment: { kind: 'answer', source: 'echo' },
  },
  {
    name: 'music',
    what: 'plays a tune',
    treatment: { kind: 'answer', source: 'music' },
  },
  { name: 'busy', what: 'is always busy', treatment: { kind: 'refuse', status: 486 } },
  { name: 'nobody', what: 'rings and is never answered', treatment: { kind: 'ring' } },
];
