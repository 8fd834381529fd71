// Tables for people: aligned columns in plain text. Two forms: all rows known (columns as wide as
// needed), and a live table, whose rows are printed as they come in columns of fixed width.
// Invariant: a cell never breaks its line; what it holds is made printable first, and painted last.

import { printable, type Paint } from './terminal.ts'

export type Style = keyof Paint

/** A cell: text, or text in a style. */
export type Cell = string | number | { readonly text: string; readonly style: Style }

export type Column = {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Longer cells are cut, with … at the end. A live table needs it. */
  readonly width?: number
}

const GAP = '  '

/** Lines of a table: titles, a rule, rows. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): string[] {
  const widths = columns.map((column, at) => {
    const longest = Math.max(
      widthOf(column.title),
      ...rows.map((row) => widthOf(plain(row[at] ?? ''))),
    )
    return Math.min(longest, column.width ?? longest)
  })
  return [
    ...headLines(columns, widths, paint),
    ...rows.map((row) => line(columns, widths, row, paint)),
  ]
}

/**
 * Prints titles at once and each row as it comes. A column without a width is as wide as its title.
 */
export function liveTable(
  columns: readonly Column[],
  out: (line: string) => void,
  paint: Paint,
): { row(cells: readonly Cell[]): void } {
  const widths = columns.map((column) => column.width ?? widthOf(column.title))
  for (const text of headLines(columns, widths, paint)) out(text)
  return { row: (cells) => out(line(columns, widths, cells, paint)) }
}

/** Name and value on each line, values aligned. */
export function pairLines(pairs: readonly (readonly [string, Cell])[], paint: Paint): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => widthOf(name)))
  return pairs.map(
    ([name, cell]) =>
      `${paint.dim(fit(name, width, 'left'))}${GAP}${painted(cell, plain(cell), paint)}`,
  )
}

/** The first characters of an id, enough for a person to tell it from others. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 11)}…`
}

function headLines(columns: readonly Column[], widths: readonly number[], paint: Paint): string[] {
  const titles = columns.map((column, at) =>
    fit(column.title, widths[at] ?? 0, column.align ?? 'left'),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join(GAP)
  return [paint.bold(titles.join(GAP).trimEnd()), paint.dim(rule)]
}

function line(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly Cell[],
  paint: Paint,
): string {
  return columns
    .map((column, at) => {
      const cell = cells[at] ?? ''
      return painted(cell, fit(plain(cell), widths[at] ?? 0, column.align ?? 'left'), paint)
    })
    .join(GAP)
    .trimEnd()
}

function fit(text: string, width: number, align: 'left' | 'right'): string {
  const points = [...text]
  if (points.length > width) return width === 0 ? '' : `${points.slice(0, width - 1).join('')}…`
  const space = ' '.repeat(width - points.length)
  return align === 'left' ? `${text}${space}` : `${space}${text}`
}

function painted(cell: Cell, text: string, paint: Paint): string {
  return typeof cell === 'object' ? paint[cell.style](text) : text
}

function plain(cell: Cell): string {
  return printable(typeof cell === 'object' ? cell.text : String(cell))
}

function widthOf(text: string): number {
  return [...text].length
}
