/* mail-devel's page, for a viewer who never saw it: who is who, what to do, and mails that are there at once. */

const ROLES = {
  customer: "Customers of Acme Cycles",
  team: "Support team of Acme",
  copy: "Others, in copy",
  support: "The support address",
};

class DemoClient extends MailClient {
  constructor() {
    super();
    this.people = [];
    // Mail is shown, never run: mail-devel lets the scripts of a mail run with the rights of the page.
    const shown = document.querySelector("iframe#html");
    shown.setAttribute("sandbox", "allow-same-origin");
    shown.addEventListener("load", () => this.catch_links(shown.contentDocument));
    document.querySelector("#accounts").addEventListener("change", () => this.load_accounts());
  }

  // mail-devel asks one thing every two seconds, so that its list stays empty for four.
  async on_socket_open(event) {
    await super.on_socket_open(event);
    await this.load_accounts();
  }

  // It also swaps the arguments of setTimeout here, and never comes back.
  async on_socket_close() {
    this.socket = null;
    setTimeout(() => this.connect_socket(), 1000);
  }

  async on_list_accounts(data) {
    const list = document.querySelector("#accounts");
    if (!this.people.length) {
      this.people = data.people;
      for (const role in ROLES) {
        const group = document.createElement("optgroup");
        group.label = ROLES[role];
        for (const person of this.people.filter((one) => one.role === role))
          group.append(new Option(person.note ? `${person.name}, ${person.note}` : person.name, person.address));
        if (group.children.length)
          list.append(group);
      }
    }
    await super.on_list_accounts(data);
  }

  async on_list_mailboxes(data) {
    const other = this.account_name !== data.account;
    await super.on_list_mailboxes(data);
    if (!other)
      return;
    this._display_mail(undefined);
    this.guide();
    await this.load_mailbox();
  }

  async on_list_mails(data) {
    if (data.account !== this.account_name)
      return; // an answer about the mailbox that was chosen before
    // Several mails arrive in one minute of the virtual clock: the uid tells which came last.
    data.mails.sort((one, other) => other.uid - one.uid);
    await super.on_list_mails(data);
  }

  async _mail_row_fill(row, mail) {
    await super._mail_row_fill(row, mail);
    row.querySelector(".subject").textContent = mail.header?.subject || "(no subject)";
    row.querySelector(".from").textContent = mail.header?.from || "";
    // The page's own "just now" compares with the real clock; ours is virtual.
    row.querySelector(".date").textContent = new Date(mail.date).toLocaleString("en-GB", {
      weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC",
    });
    row.classList.toggle("selected", mail.uid === this.mail_uid); // rows move down when a mail arrives
  }

  async on_get_mail(data) {
    if (this.content_mode !== "source")
      this.content_mode = data.mail?.body_html ? "html" : "plain";
    await super.on_get_mail(data);
    if (!(data.mail?.flags || []).includes("seen"))
      await this.flag_mail("seen", "set", data.uid);
  }

  _display_mail(mail) {
    super._display_mail(mail);
    for (const name of ["date", "from", "to", "cc", "subject"])
      document.querySelector(`#header-${name}`).classList.toggle("empty", !mail?.header?.[name]);
    document.querySelector("#header-button").classList.toggle("hidden", !mail);
    document.querySelector("#btn-dropdown").classList.toggle("hidden", !mail?.attachments?.length);
  }

  async on_reply_mail(data) {
    await this.reset_editor(data.mail.header, data.mail.body_plain);
    this.write();
  }

  // A link such as "Not yet" is meant for a mail program, and here this page is it.
  catch_links(mail) {
    for (const link of mail.querySelectorAll("a[href^='mailto:']"))
      link.addEventListener("click", async (ev) => {
        stop_event(ev);
        const [to, query] = link.getAttribute("href").slice("mailto:".length).split("?");
        const said = Object.fromEntries((query || "").split("&").map((one) => one.split("=").map(decodeURIComponent)));
        const me = this.me();
        const header = {from: `${me.name} <${me.address}>`, to: decodeURIComponent(to), subject: said.subject || ""};
        await this.reset_editor(header, said.body || "");
        this.write();
      });
  }

  // "Write a new mail": as the owner of the mailbox, and to the address that all of this is about.
  async on_mail_datetime() {
    const me = this.me();
    const support = this.people.find((one) => one.role === "support");
    await this.reset_editor({from: `${me.name} <${me.address}>`, to: me === support ? "" : support.address}, "");
    this.write();
  }

  write() {
    document.querySelector("#editor").classList.remove("hidden");
    const text = document.querySelector("#editor .content textarea");
    text.focus();
    text.setSelectionRange(0, 0);
    text.scrollTop = 0;
  }

  me() {
    return this.people.find((one) => one.address === this.account_name);
  }

  guide() {
    for (const hint of document.querySelectorAll("#guide [data-role]"))
      hint.classList.toggle("hidden", hint.dataset.role !== this.me().role);
    for (const name of document.querySelectorAll("#guide .name"))
      name.textContent = this.me().name;
  }
}
