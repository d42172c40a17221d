/** Where a rule stands, for people: a file and line, or what else it comes from. */
export interface RulePlace {
  /** As the user wrote it; `a token` or the like for a rule that is in no file. */
  readonly file: string
  /** From 1; undefined where there are none. */
  readonly line: number | undefined
  /** The rule as it is written, on one line. */
  readonly text: string
}
