import { onTestFinished } from 'vitest'
import { guarded } from './guard.ts'

export interface ServerEvent {
  readonly name: string
  readonly entries: unknown[]
}

/** Reads server-sent events of the API. */
export class EventSourceClient {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #decoder = new TextDecoder()
  #text = ''

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]()
  }

  static async open(
    httpPort: number,
    query: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<EventSourceClient> {
    const controller = new AbortController()
    onTestFinished(() => controller.abort())
    const url = `http://127.0.0.1:${httpPort}/api/v1/feed?${new URLSearchParams(query).toString()}`
    const { body } = await fetch(url, { headers, signal: controller.signal })
    if (body === null) throw new Error('the feed has no body')
    return new EventSourceClient(body)
  }

  /** The next event of a name, past all others. */
  async next(name: string): Promise<unknown[]> {
    return guarded(this.#next(name), () => `the event ${name}; there is ${JSON.stringify(this.#text)}`)
  }

  /** The hub has ended the feed. */
  async untilEnd(): Promise<void> {
    await guarded(this.#drain(), () => 'the feed to end')
  }

  async #drain(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  async #next(name: string): Promise<unknown[]> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end === -1) {
        const { value, done } = await this.#chunks.next()
        if (done === true) throw new Error(`the feed ended before ${name}`)
        this.#text += this.#decoder.decode(value, { stream: true })
        continue
      }
      const [, event, data = '[]'] = /^event: (\w+)\ndata: (.*)$/.exec(this.#text.slice(0, end)) ?? []
      this.#text = this.#text.slice(end + 2)
      if (event !== name) continue
      const entries: unknown = JSON.parse(data)
      return Array.isArray(entries) ? entries : []
    }
  }
}
