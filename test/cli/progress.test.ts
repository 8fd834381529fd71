import { expect, test } from '@jest/globals'
import { measure, showProgress } from '../../src/cli/progress.ts'

function shown(isTerminal: boolean) {
  const clock = { ms: 0, now: () => clock.ms, sleep: () => Promise.resolve() }
  const err: string[] = []
  const status: string[] = []
  const terminal = {
    err: (line: string) => void err.push(line),
    ...(isTerminal && { status: (text: string) => void status.push(text) }),
  }
  return { clock, err, status, progress: showProgress(terminal, 'replaying', 'records', clock) }
}

test('rate and time left, for people', () => {
  expect(measure(1_234, 5_000, 2_000, 'records')).toBe(
    '1,234 of 5,000 records (24%), 617/s, 7 s left',
  )
  expect(measure(10, 100, 10_000, 'entries')).toBe('10 of 100 entries (10%), 1.0/s, 1 min 30 s left')
  expect(measure(1, 100_000, 1_000, 'x')).toBe('1 of 100,000 x (0%), 1.0/s, 27 h 46 min left')
  expect(measure(0, 0, 0, 'x')).toBe('0 of 0 x (100%)')
})

test('what is done within two seconds says nothing', () => {
  for (const isTerminal of [true, false]) {
    const { clock, err, status, progress } = shown(isTerminal)
    for (clock.ms = 0; clock.ms < 2_000; clock.ms += 100) progress.at(clock.ms, 5_000)
    progress.end()
    expect([err, status]).toEqual([[], []])
  }
})

test('on a terminal one line that is written over, and is gone at the end', () => {
  const { clock, err, status, progress } = shown(true)
  for (clock.ms = 0; clock.ms <= 3_000; clock.ms += 10) progress.at(clock.ms, 5_000)
  expect(status[0]).toBe('replaying: 2,000 of 5,000 records (40%), 1,000/s, 3 s left')
  expect(status.length).toBe(6)
  progress.begin('replaying more')
  clock.ms += 1_000
  progress.at(10, 100)
  progress.end()
  expect(status.slice(-2)).toEqual(['replaying more: 10 of 100 records (10%), 10/s, 9 s left', ''])
  expect(err).toEqual([])
})

test('elsewhere a plain line now and then', () => {
  const { clock, err, progress } = shown(false)
  for (clock.ms = 0; clock.ms <= 30_000; clock.ms += 10) progress.at(clock.ms, 60_000)
  progress.end()
  expect(err.map((line) => line.split(' ')[1])).toEqual(['2,000', '12,000', '22,000'])
})
