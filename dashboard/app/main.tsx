// oxlint-disable-next-line import/no-unassigned-import -- Vite makes the style sheet of it
import './style/index.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { feedReceiver, restoreSaved } from './state/conversations.ts'
import { followFeed } from './state/feed.ts'
import { followHistory } from './state/history.ts'
import { start } from './state/hub.ts'
import { followLimits } from './state/limits.ts'
import { followOpen, receiver } from './state/open.ts'
import { followPointedTimes } from './time.tsx'
import { followOwnDrops } from './state/own-drops.ts'

restoreSaved()
start(receiver)
followOpen()
followHistory()
followLimits()
followOwnDrops()
followPointedTimes()
followFeed(feedReceiver)

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
