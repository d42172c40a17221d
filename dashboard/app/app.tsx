import { Banner } from './banner.tsx'
import { ConversationView } from './conversation/conversation.tsx'
import { Details } from './details/details.tsx'
import { Dialogs } from './dialogs.tsx'
import { later } from './later.tsx'
import { Home } from './pages/home.tsx'
import { Overview } from './pages/overview.tsx'
import { Retained } from './pages/retained.tsx'
import { Sidebar } from './sidebar/sidebar.tsx'
import { openConversation } from './state/conversations.ts'
import { link } from './state/hub.ts'
import { isDetailsShown, isPhone } from './state/layout.ts'
import { place } from './state/place.ts'
import { isAdmin, isSignInNeeded, session } from './state/session.ts'

const AddDevice = later(async () => (await import('./account/add-device.tsx')).AddDevice)
const People = later(async () => (await import('./account/people.tsx')).People)
const SignIn = later(async () => (await import('./account/sign-in.tsx')).SignIn)

/** The three columns. */
export function App() {
  const { kind } = place.value
  const conversation = openConversation.value
  const isDetailed = isDetailsShown.value && conversation !== undefined
  const isCovered = isDetailed && isPhone.value
  return (
    <>
      {isSignInNeeded.value && <SignIn />}
      <Banner />
      <div class="columns" data-link={link.value.state} data-place={kind} data-details={isDetailed}>
        <Sidebar isCovered={isCovered} />
        {conversation === undefined ? (
          <Page kind={kind} />
        ) : (
          <ConversationView conversation={conversation} isCovered={isCovered} />
        )}
        {isDetailed && <Details conversation={conversation} />}
      </div>
      <Dialogs />
    </>
  )
}

function Page({ kind }: { readonly kind: string }) {
  if (kind === 'overview') return <Overview />
  if (kind === 'retained') return <Retained />
  if (kind === 'people' && isAdmin.value && session.value?.user != null) return <People />
  if (kind === 'add-device' && isAdmin.value && session.value?.user != null) return <AddDevice />
  return <Home />
}
