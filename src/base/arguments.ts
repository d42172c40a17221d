import { HubbubError } from './errors.ts'
import { quote } from './quote.ts'

/** What a program without types gets for an argument that no type allows. `text` has the form of every error. */
export function argumentError(text: string): HubbubError {
  return new HubbubError('ARGUMENT_INVALID', text)
}

/**
 * Checks that options are an object with no other than these names; `cannot` begins the message: `Cannot publish to "a"`.
 * @throws HubbubError `ARGUMENT_INVALID`
 */
export function checkOptions(options: unknown, names: readonly string[], cannot: string): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw argumentError(`${cannot}: the options must be an object, they are ${quote(options)}`)
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw argumentError(`${cannot}: there is no option ${quote(unknown)}; there are ${names.join(', ')}`)
  }
}

/** @throws HubbubError `ARGUMENT_INVALID` */
export function checkQos(qos: unknown, cannot: string): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw argumentError(`${cannot}: qos must be 0, 1 or 2, it is ${quote(qos)}`)
}

/** @throws HubbubError `ARGUMENT_INVALID` */
export function checkFlag(name: string, value: unknown, cannot: string): void {
  if (typeof value !== 'boolean') {
    throw argumentError(`${cannot}: ${name} must be true or false, it is ${quote(value)}`)
  }
}

/** Checks that a part of the program's own has these methods. @throws HubbubError `ARGUMENT_INVALID` */
export function checkMethods(name: string, part: unknown, methods: readonly string[], cannot: string): void {
  if (typeof part !== 'object' || part === null) {
    throw argumentError(`${cannot}: ${name} must be an object, it is ${quote(part)}`)
  }
  const missing = methods.filter((method) => typeof Reflect.get(part, method) !== 'function')
  if (missing.length > 0) throw argumentError(`${cannot}: ${name} must have the methods ${missing.join(', ')}`)
}
