// Server-sent events out of bytes, as the HTML standard reads them, as far as a node writes them:
// id, event, data, comments; lines end in LF, CR LF or CR. Invariant: an event is given only once
// its blank line came, and is bounded.

import { HbError } from '../std/errors.ts'

export type ServerEvent = {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Events of a body, as they come. Throws `response-malformed` for an event over the limit. */
export async function* serverEvents(
  body: AsyncIterable<Uint8Array>,
  eventCharsMax: number,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let draft: Draft = { id: undefined, event: 'message', data: [], chars: 0 }
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    // a CR at the very end may be the first half of CR LF
    const held = rest.endsWith('\r') ? rest.length - 1 : rest.length
    const lines = rest.slice(0, held).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + rest.slice(held)
    for (const line of lines) {
      if (line !== '') {
        addLine(draft, line)
      } else {
        if (draft.data.length > 0)
          yield { id: draft.id, event: draft.event, data: draft.data.join('\n') }
        draft = { id: draft.id, event: 'message', data: [], chars: 0 }
      }
      if (draft.chars > eventCharsMax) throw tooLong(eventCharsMax)
    }
    if (rest.length > eventCharsMax) throw tooLong(eventCharsMax)
  }
}

type Draft = { id: string | undefined; event: string; data: string[]; chars: number }

function addLine(draft: Draft, line: string): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
  draft.chars += line.length
  if (name === 'data') draft.data.push(value)
  else if (name === 'event') draft.event = value
  else if (name === 'id') draft.id = value
}

function tooLong(most: number): HbError {
  return new HbError('response-malformed', `an event of more than ${most} characters`)
}
