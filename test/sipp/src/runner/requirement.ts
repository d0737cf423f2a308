export interface Requirement {
  /** Where it is written: an RFC and section, or Offhook's own promise. */
  readonly source: string;
  /** One sentence. */
  readonly text: string;
}
