import { computed } from '@preact/signals'
import { language } from '../state/settings.ts'
import { en, ru } from './dictionary.ts'

/** The words of the language that is chosen. */
export const accountWords = computed(() => ({ en, ru })[language.value])
