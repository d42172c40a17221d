const PATHS = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4',
  clock: 'M12 4a8 8 0 1 1 0 16a8 8 0 1 1 0-16M12 8v4l3 2',
  warning: 'M12 4l9 16H3zM12 10v5M12 17.500v.2',
  again: 'M19 12a7 7 0 1 1-2.500-5.400M19 4v4h-4',
  down: 'M6 9l6 6 6-6',
  details: 'M4 5h16v14H4zM14 5v14',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 5l12 7-12 7z',
  pin: 'M9 4h6l-1 6 4 4H6l4-4zM12 14v6',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 1 0 14a7 7 0 1 1 0-14M16 16l4 4',
  send: 'M4 12l16-8-6 16-3-7z',
  gear: 'M12 9a3 3 0 1 1 0 6a3 3 0 1 1 0-6M12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.200 2.200M16.200 16.200l2.200 2.200M18.400 5.600l-2.200 2.200M7.800 16.200l-2.200 2.200',
  chart: 'M4 20V10M10 20V4M16 20v-8M21 20H3',
  tray: 'M4 13l3-8h10l3 8v6H4zM4 13h5l1 2h4l1-2h5',
  chat: 'M5 5h14v11h-8l-4 4v-4H5z',
  chip: 'M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4',
  wave: 'M4 12h3l2-6 4 12 3-8 1 2h3',
  question: 'M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18v.5',
  person: 'M12 4.500a3.700 3.700 0 1 1 0 7.400a3.700 3.700 0 1 1 0-7.400M5 20c0-3.700 3-6 7-6s7 2.300 7 6',
  lock: 'M6 11h12v9.500H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  key: 'M14 4.500a5 5 0 1 1 0 10a5 5 0 1 1 0-10M10.500 13L4 19.500M6.500 17l2.500 2.500',
} as const

export type IconName = keyof typeof PATHS

/** A sign drawn in lines; who reads it aloud hears what stands beside it. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
