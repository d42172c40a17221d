// oxlint-disable-next-line import/no-unassigned-import -- Vite makes the style sheet of it
import './style/index.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { feedReceiver, restoreSaved } from './state/conversations.ts'
import { followFeed } from './state/feed.ts'
import { followSession } from './state/follow-session.ts'
import { followHistory } from './state/history.ts'
import { start } from './state/hub.ts'
import { followLimits } from './state/limits.ts'
import { followOpen, receiver } from './state/open.ts'
import { followOwnDrops } from './state/own-drops.ts'
import { destination, lookAtSession, whenSignedIn } from './state/session.ts'
import { followPointedTimes } from './time.tsx'

function begin(): void {
  const elsewhere = destination()
  if (elsewhere !== undefined) {
    location.replace(elsewhere)
    return
  }
  restoreSaved()
  start(receiver)
  followOpen()
  followHistory()
  followLimits()
  followOwnDrops()
  followPointedTimes()
  followFeed(feedReceiver)
  followSession()
}

async function show(): Promise<void> {
  await lookAtSession()
  whenSignedIn(begin)
  const root = document.getElementById('app')
  if (root !== null) render(<App />, root)
}

void show()
