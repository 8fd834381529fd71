// Vectors of strict JSON: what is read, what is refused, and with which code and text.

import { parseStrictJson } from '../../src/protocol/json.ts'
import { textHex } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, orRefusal, subject } from './subject.ts'

type Input = { readonly bytes: string; readonly depthMax: number; readonly bytesMax: number }

const limits = { depthMax: 64, bytesMax: 1_048_576 }
const hex = (bytes: string): Input => ({ bytes, ...limits })
const text = (value: string): Input => hex(textHex(value))
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const READ: readonly Named<Input>[] = [
  ['an object', text('{"b":1,"a":2}')],
  ['integer-like keys', text('{"b":1,"10":2,"9":3}')],
  ['a number alone', text('0')],
  ['a text alone', text('"x"')],
  ['null', text('null')],
  ['spaces of JSON', text(' \t\r\n[ 1 , 2 ]\n')],
  ['the least and the greatest integer', text('[9007199254740991,-9007199254740991]')],
  ['beyond them with an exponent', text('[1e21,1E30,-1e+21]')],
  ['beyond them with a fraction', text('[9007199254740993.0]')],
  ['such digits within a text', text('{"9007199254740993":"9007199254740993"}')],
  ['a fraction that vanishes', text('1e-400')],
  ['zero with an exponent', text('[0e5,0.0]')],
  ['an escaped key', text('{"\\u0061\\"":1}')],
  ['a pair by its escapes', text('"\\ud83d\\ude00"')],
  ['a pair in UTF-8', text('"\u{1f600}"')],
  ['composed and decomposed are two keys', text('{"\u00e9":1,"e\u0301":2}')],
  ['separators, U+007F, U+0000 escaped', text('"\u2028\u2029\u007f\\u0000"')],
  ['a colon and brackets within a text', text('{"a":"{\\"[:"}')],
  ['empty key, empty containers', text('{"":{},"a":[]}')],
  ['names of Object.prototype', text('{"constructor":1,"toString":2}')],
  ['__proto__ as a text', text('"__proto__"')],
  ['as deep as allowed', text(nested(64))],
  ['as deep as allowed, objects', text('{"a":'.repeat(64) + '1' + '}'.repeat(64))],
  ['a depth of 0', { ...text('1'), depthMax: 0 }],
  ['as large as allowed', { ...text('[1,2]'), bytesMax: 5 }],
]

const REFUSED: readonly Named<Input>[] = [
  ['nothing', hex('')],
  ['only a space', text(' ')],
  ['one deeper', text(nested(65))],
  ['a container at a depth of 0', { ...text('[]'), depthMax: 0 }],
  ['deep, and no JSON either', text('['.repeat(65))],
  ['one byte more', { ...text('[1,23]'), bytesMax: 5 }],
  ['bytes are counted, not characters', { ...text('"\u00e9"'), bytesMax: 3 }],
  ['not UTF-8', hex('22ff22')],
  ['a surrogate in UTF-8', hex('22eda08022')],
  ['overlong UTF-8', hex('22c08022')],
  ['a byte order mark', hex('efbbbf31')],
  ['a lone surrogate', text('"\\ud800"')],
  ['a lone surrogate in a key', text('{"\\udc00":1}')],
  ['a pair the wrong way round', text('"\\ude00\\ud83d"')],
  ['one key twice', text('{"a":1,"a":2}')],
  ['one key twice, once escaped', text('{"a":1,"\\u0061":2}')],
  ['one key twice, further down', text('[{"b":{"a":1,"c":2,"a":1}}]')],
  ['__proto__', text('{"__proto__":1}')],
  ['__proto__ by an escape', text('{"\\u005f_proto__":1}')],
  ['2^53', text('9007199254740992')],
  ['-2^53', text('-9007199254740992')],
  ['2^53 further down', text('{"a":[1,{"b":9007199254740992}]}')],
  ['a number too large', text('1e400')],
  ['a number too small', text('-1e400')],
  ['minus zero', text('-0')],
  ['minus zero by a fraction', text('[-0.0]')],
  ['minus zero by underflow', text('-1e-400')],
  ['a zero in front', text('01')],
  ['a plus', text('+1')],
  ['a point in front', text('.5')],
  ['a point behind', text('1.')],
  ['NaN', text('NaN')],
  ['a comma behind', text('[1,]')],
  ['a comma behind a member', text('{"a":1,}')],
  ['a comment', text('[1]//')],
  ['two values', text('1 2')],
  ['single quotes', text('\'a\'')],
  ['a key without quotes', text('{a:1}')],
  ['a text that does not end', text('"a')],
  ['an object that does not end', text('{"a":1')],
  ['a control character in a text', hex('220a22')],
  ['an escape that is none', text('"\\x41"')],
  ['a space that is none of JSON\'s', text('\u00a01')],
  ['a vertical tab', hex('0b31')],
]

const STRICT_JSON = subject<Input>({
  subject: 'strict-json',
  about:
    'JSON as it is judged where it comes from outside: beside what RFC 8259 refuses, bytes ' +
    'that are not UTF-8, a byte order mark (it is not JSON), one key twice in an object ' +
    '(after unescaping), the key __proto__, lone surrogates, integers written without ' +
    'fraction and exponent beyond +-(2^53 - 1), numbers that overflow, minus zero (also by ' +
    'underflow), nesting over depthMax (a container alone is 1 deep; judged before the ' +
    'grammar), more than bytesMax bytes (judged first). Input: bytes (hex), depthMax, ' +
    'bytesMax. Output: text (the value written as file states says), or {error: code, text}: ' +
    'both can become part of a result, so both are fixed.',
  inputs: [...READ, ...REFUSED],
  compute: ({ bytes, ...limits }) =>
    orRefusal(() => ({ text: JSON.stringify(parseStrictJson(fromHex(bytes), limits)) })),
})

export const JSON_SUBJECTS: readonly Subject[] = [STRICT_JSON]
