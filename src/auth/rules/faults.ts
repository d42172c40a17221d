import { placeOf, type Written } from '../../base/written.ts'

/** What is wrong with rules, or odd, and where: `hubbub.yaml:12`. */
export interface RuleFault {
  readonly place: string
  /** `access.rules[2].topics must be …`. */
  readonly what: string
}

/** Everything that was found while rules were read, so that all of it is told at once. */
export class RuleFaults {
  /** The rules cannot be used. */
  readonly errors: RuleFault[] = []
  /** They can, but hardly say what was meant. */
  readonly warnings: RuleFault[] = []

  add(at: Pick<Written, 'file' | 'line'>, what: string): void {
    this.errors.push({ place: placeOf(at), what })
  }

  warn(at: Pick<Written, 'file' | 'line'>, what: string): void {
    this.warnings.push({ place: placeOf(at), what })
  }
}
