// Of V8's memory: the young generation of an OS process that is to stay small.
//
// Source: V8's flag `--semi-space-growth-factor`, which V8 reads each time it would grow. The flag
// that bounds it outright, `--max-semi-space-size`, is read only when the process begins.

import { setFlagsFromString } from 'node:v8'

/**
 * From here on the young generation keeps the size that it has. V8 else grows it, up to some
 * 100 MB, wherever much survives in the long run, as of a connector that copies a log: what little
 * that saves it in time is not worth it there.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
