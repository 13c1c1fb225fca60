import { mount } from 'svelte'
import App from './App.svelte'
import './components/tokens.css'
import './components/look.css'

const target = document.getElementById('page')
if (target) {
  target.replaceChildren()
  target.className = 'root'
  mount(App, { target })
}
