<?xml version='1.0' encoding='utf-8'?>
<TS version="2.1" language="de" sourcelanguage="en">
  <context>
    <name>lundock</name>
    <message>
      <source> ms</source>
      <comment>milliseconds, behind a number</comment>
      <translation> ms</translation>
    </message>
    <message>
      <source> s</source>
      <comment>seconds, behind a number</comment>
      <translation> s</translation>
    </message>
    <message numerus="yes">
      <source>%n change(s) not saved yet.</source>
      <translation>
        <numerusform>%n Änderung noch nicht gespeichert.</numerusform>
        <numerusform>%n Änderungen noch nicht gespeichert.</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n day(s)</source>
      <translation>
        <numerusform>%n Tag</numerusform>
        <numerusform>%n Tage</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n day(s) ago</source>
      <translation>
        <numerusform>vor %n Tag</numerusform>
        <numerusform>vor %n Tagen</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n disk(s)</source>
      <translation>
        <numerusform>%n Datenträger</numerusform>
        <numerusform>%n Datenträger</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n hour(s)</source>
      <translation>
        <numerusform>%n Stunde</numerusform>
        <numerusform>%n Stunden</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n hour(s) ago</source>
      <translation>
        <numerusform>vor %n Stunde</numerusform>
        <numerusform>vor %n Stunden</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n minute(s)</source>
      <translation>
        <numerusform>%n Minute</numerusform>
        <numerusform>%n Minuten</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n minute(s) ago</source>
      <translation>
        <numerusform>vor %n Minute</numerusform>
        <numerusform>vor %n Minuten</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n partition(s): {parts}</source>
      <translation>
        <numerusform>%n Partition: {parts}</numerusform>
        <numerusform>%n Partitionen: {parts}</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n second(s)</source>
      <translation>
        <numerusform>%n Sekunde</numerusform>
        <numerusform>%n Sekunden</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n second(s) ago</source>
      <translation>
        <numerusform>vor %n Sekunde</numerusform>
        <numerusform>vor %n Sekunden</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n target(s)</source>
      <translation>
        <numerusform>%n Ziel</numerusform>
        <numerusform>%n Ziele</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n time(s)</source>
      <translation>
        <numerusform>%n-mal</numerusform>
        <numerusform>%n-mal</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n year(s)</source>
      <translation>
        <numerusform>%n Jahr</numerusform>
        <numerusform>%n Jahre</numerusform>
      </translation>
    </message>
    <message numerus="yes">
      <source>%n year(s) ago</source>
      <translation>
        <numerusform>vor %n Jahr</numerusform>
        <numerusform>vor %n Jahren</numerusform>
      </translation>
    </message>
    <message>
      <source>&amp;Address</source>
      <translation>&amp;Adresse</translation>
    </message>
    <message>
      <source>&amp;Attach disks as</source>
      <translation>Datenträger &amp;anschließen als</translation>
    </message>
    <message>
      <source>&amp;Connect it</source>
      <translation>&amp;Verbinden</translation>
    </message>
    <message>
      <source>&amp;File system</source>
      <translation>&amp;Dateisystem</translation>
    </message>
    <message>
      <source>&amp;Look at it</source>
      <translation>Ab&amp;fragen</translation>
    </message>
    <message>
      <source>&amp;Name</source>
      <translation>&amp;Name</translation>
    </message>
    <message>
      <source>&amp;Secret</source>
      <translation>&amp;Geheimnis</translation>
    </message>
    <message>
      <source>&amp;Target's name</source>
      <translation>Name des &amp;Ziels</translation>
    </message>
    <message>
      <source>,</source>
      <comment>between the thousands of a number</comment>
      <translation>.</translation>
    </message>
    <message>
      <source>.</source>
      <comment>between a number and its fraction</comment>
      <translation>,</translation>
    </message>
    <message>
      <source>A checksum did not fit. The damaged data was not used.</source>
      <translation>Eine Prüfsumme stimmte nicht. Die beschädigten Daten wurden nicht verwendet.</translation>
    </message>
    <message>
      <source>A command took too long and was aborted</source>
      <translation>Ein Befehl dauerte zu lange und wurde abgebrochen</translation>
    </message>
    <message>
      <source>A connection that lasted so long was a good one: pauses before reconnecting begin anew.</source>
      <translation>Eine Verbindung, die so lange hielt, war gut: Die Pausen vor dem Wiederverbinden beginnen von vorn.</translation>
    </message>
    <message>
      <source>A connection was to be added to a session that is over.</source>
      <translation>Eine Verbindung sollte zu einer Sitzung hinzukommen, die schon beendet ist.</translation>
    </message>
    <message>
      <source>A disk changed its settings</source>
      <translation>Ein Datenträger hat seine Einstellungen geändert</translation>
    </message>
    <message>
      <source>A disk changed its size</source>
      <translation>Ein Datenträger hat seine Größe geändert</translation>
    </message>
    <message>
      <source>A disk changed what it says about itself</source>
      <translation>Ein Datenträger sagt jetzt etwas anderes über sich aus</translation>
    </message>
    <message>
      <source>A disk could not be attached</source>
      <translation>Ein Datenträger konnte nicht angeschlossen werden</translation>
    </message>
    <message>
      <source>A disk did not answer and was reset</source>
      <translation>Ein Datenträger antwortete nicht und wurde zurückgesetzt</translation>
    </message>
    <message>
      <source>A disk does not know a command</source>
      <translation>Ein Datenträger kennt einen Befehl nicht</translation>
    </message>
    <message>
      <source>A disk expects to fail soon</source>
      <translation>Ein Datenträger rechnet damit, bald auszufallen</translation>
    </message>
    <message>
      <source>A disk failed without saying why</source>
      <translation>Ein Datenträger meldete einen Fehler ohne Grund</translation>
    </message>
    <message>
      <source>A disk forgot this computer, and was asked again</source>
      <translation>Ein Datenträger hatte diesen Computer vergessen und wurde erneut gefragt</translation>
    </message>
    <message>
      <source>A disk found other data than it should</source>
      <translation>Ein Datenträger fand andere Daten vor, als er sollte</translation>
    </message>
    <message>
      <source>A disk had too many commands at once, and gets fewer for a while</source>
      <translation>Ein Datenträger hatte zu viele Befehle auf einmal und bekommt eine Weile weniger</translation>
    </message>
    <message>
      <source>A disk had trouble, but could do what was asked</source>
      <translation>Ein Datenträger hatte Schwierigkeiten, konnte den Befehl aber ausführen</translation>
    </message>
    <message>
      <source>A disk is busy</source>
      <translation>Ein Datenträger ist ausgelastet</translation>
    </message>
    <message>
      <source>A disk is reserved by another computer</source>
      <translation>Ein Datenträger ist von einem anderen Computer reserviert</translation>
    </message>
    <message>
      <source>A disk is stopped; it has to be started at the target</source>
      <translation>Ein Datenträger ist angehalten; er muss am Ziel gestartet werden</translation>
    </message>
    <message>
      <source>A disk is write-protected; writing failed</source>
      <translation>Ein Datenträger ist schreibgeschützt; das Schreiben ist fehlgeschlagen</translation>
    </message>
    <message>
      <source>A disk of “{target}” changed its size</source>
      <translation>Ein Datenträger von „{target}“ hat seine Größe geändert</translation>
    </message>
    <message>
      <source>A disk of “{target}” was ejected</source>
      <translation>Ein Datenträger von „{target}“ wurde ausgeworfen</translation>
    </message>
    <message>
      <source>A disk reports a change</source>
      <translation>Ein Datenträger meldet eine Änderung</translation>
    </message>
    <message>
      <source>A disk reports a hardware fault</source>
      <translation>Ein Datenträger meldet einen Hardwarefehler</translation>
    </message>
    <message>
      <source>A disk reports that something written earlier failed</source>
      <translation>Ein Datenträger meldet, dass früher Geschriebenes nicht gespeichert werden konnte</translation>
    </message>
    <message>
      <source>A disk was reset or switched on</source>
      <translation>Ein Datenträger wurde zurückgesetzt oder eingeschaltet</translation>
    </message>
    <message>
      <source>A disk's device was taken away by somebody else</source>
      <translation>Das Gerät eines Datenträgers wurde von jemand anderem entfernt</translation>
    </message>
    <message>
      <source>A good connection lasts</source>
      <translation>Eine gute Verbindung hält</translation>
    </message>
    <message>
      <source>A name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef.</source>
      <translation>Ein Name sieht aus wie iqn.2001-04.com.example:disk, eui.0123456789abcdef oder naa.0123456789abcdef.</translation>
    </message>
    <message>
      <source>A new target was found</source>
      <translation>Ein neues Ziel wurde gefunden</translation>
    </message>
    <message>
      <source>A newer version of Lundock wrote them.</source>
      <translation>Eine neuere Version von Lundock hat sie geschrieben.</translation>
    </message>
    <message>
      <source>A part of a disk cannot be read or written</source>
      <translation>Ein Teil eines Datenträgers kann nicht gelesen oder geschrieben werden</translation>
    </message>
    <message>
      <source>A partition table without partitions.</source>
      <translation>Eine Partitionstabelle ohne Partitionen.</translation>
    </message>
    <message>
      <source>A readable name that is sent along</source>
      <translation>Ein lesbarer Name, der mitgeschickt wird</translation>
    </message>
    <message>
      <source>A record with this name was saved before.</source>
      <translation>Ein Eintrag mit diesem Namen wurde schon früher gespeichert.</translation>
    </message>
    <message>
      <source>A reservation of another initiator keeps us out.</source>
      <translation>Die Reservierung eines anderen Initiators schließt diesen Computer aus.</translation>
    </message>
    <message>
      <source>A target is a storage device's offer of disks. Give the device's address to see what it has for you.</source>
      <translation>Ein Ziel ist das Angebot eines Speichergeräts, seine Datenträger zu nutzen. Geben Sie die Adresse des Geräts an, um zu sehen, was es für Sie hat.</translation>
    </message>
    <message>
      <source>A target's name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef.</source>
      <translation>Der Name eines Ziels sieht aus wie iqn.2001-04.com.example:disk, eui.0123456789abcdef oder naa.0123456789abcdef.</translation>
    </message>
    <message>
      <source>A value that was given is not of the form that is needed here. {detail}</source>
      <translation>Ein angegebener Wert hat nicht die Form, die hier nötig ist. {detail}</translation>
    </message>
    <message>
      <source>Aborting a command</source>
      <translation>Einen Befehl abbrechen</translation>
    </message>
    <message>
      <source>Activity</source>
      <translation>Aktivität</translation>
    </message>
    <message>
      <source>Add an address</source>
      <translation>Adresse hinzufügen</translation>
    </message>
    <message>
      <source>Add an address …</source>
      <translation>Adresse hinzufügen …</translation>
    </message>
    <message>
      <source>Add this computer's name to the list in the target's settings: {initiator_name}</source>
      <translation>Tragen Sie den Namen dieses Computers in die Liste in den Einstellungen des Ziels ein: {initiator_name}</translation>
    </message>
    <message>
      <source>Address</source>
      <translation>Adresse</translation>
    </message>
    <message>
      <source>Addresses</source>
      <translation>Adressen</translation>
    </message>
    <message>
      <source>Addresses used before</source>
      <translation>Früher verwendete Adressen</translation>
    </message>
    <message>
      <source>After a disk had too many commands, one more at once is tried each time this long went well.</source>
      <translation>Nachdem ein Datenträger zu viele Befehle hatte, wird nach jeder solchen Zeit ohne Fehler einer mehr auf einmal versucht.</translation>
    </message>
    <message>
      <source>Agree on how to sign in</source>
      <translation>Anmeldeverfahren vereinbaren</translation>
    </message>
    <message>
      <source>Agree on parameters</source>
      <translation>Parameter vereinbaren</translation>
    </message>
    <message>
      <source>Agreed at login</source>
      <translation>Bei der Anmeldung vereinbart</translation>
    </message>
    <message>
      <source>Algorithms</source>
      <translation>Verfahren</translation>
    </message>
    <message>
      <source>Algorithms for signing in, the preferred one first. The standard wants MD5 in the list; a policy may take it out.</source>
      <translation>Verfahren für die Anmeldung, das bevorzugte zuerst. Der Standard verlangt MD5 in der Liste; eine Richtlinie kann es herausnehmen.</translation>
    </message>
    <message>
      <source>Alias</source>
      <translation>Alias</translation>
    </message>
    <message>
      <source>All targets</source>
      <translation>Alle Ziele</translation>
    </message>
    <message>
      <source>An address is a name or an IP number, with a port behind a colon where it is not 3260; IPv6 stands in brackets.</source>
      <translation>Eine Adresse ist ein Name oder eine IP-Nummer, mit dem Port hinter einem Doppelpunkt, wenn er nicht 3260 ist; IPv6 steht in eckigen Klammern.</translation>
    </message>
    <message>
      <source>An error inside Lundock ({log_id}).</source>
      <translation>Ein Fehler innerhalb von Lundock ({log_id}).</translation>
    </message>
    <message>
      <source>Another computer changed who may use a disk</source>
      <translation>Ein anderer Computer hat geändert, wer einen Datenträger nutzen darf</translation>
    </message>
    <message>
      <source>Another computer holds the disk {lun}.</source>
      <translation>Ein anderer Computer hält den Datenträger {lun}.</translation>
    </message>
    <message>
      <source>Another disk stands at the place of {lun}.</source>
      <translation>Am Platz von {lun} steht ein anderer Datenträger.</translation>
    </message>
    <message>
      <source>Another disk stands in a disk's place; it was refused</source>
      <translation>Am Platz eines Datenträgers steht ein anderer; er wurde abgewiesen</translation>
    </message>
    <message>
      <source>Are you sure?</source>
      <translation>Sind Sie sicher?</translation>
    </message>
    <message>
      <source>Ask an idle target for a sign of life after this time; 0 never does.</source>
      <translation>Ein ruhendes Ziel nach dieser Zeit um ein Lebenszeichen bitten; 0 tut es nie.</translation>
    </message>
    <message>
      <source>Ask for the disks</source>
      <translation>Nach den Datenträgern fragen</translation>
    </message>
    <message>
      <source>Ask for the targets</source>
      <translation>Nach den Zielen fragen</translation>
    </message>
    <message>
      <source>Ask how to sign in</source>
      <translation>Nach der Anmeldung fragen</translation>
    </message>
    <message>
      <source>Ask one of the disks this often whether something changed, such as sizes or new disks; 0 never does.</source>
      <translation>Einen der Datenträger so oft fragen, ob sich etwas geändert hat, etwa Größen oder neue Datenträger; 0 tut es nie.</translation>
    </message>
    <message>
      <source>Ask the target's administrator; forget the record if it will not come back.</source>
      <translation>Fragen Sie, wer das Ziel verwaltet; vergessen Sie den Eintrag, wenn es nicht wiederkommt.</translation>
    </message>
    <message>
      <source>Ask this computer's administrator.</source>
      <translation>Fragen Sie, wer diesen Computer verwaltet.</translation>
    </message>
    <message>
      <source>Ask what it offers</source>
      <translation>Fragen, was es anbietet</translation>
    </message>
    <message>
      <source>Ask when idle</source>
      <translation>Fragen, wenn es ruht</translation>
    </message>
    <message>
      <source>Asking the Lundock service what there is.</source>
      <translation>Der Lundock-Dienst wird gefragt, was es gibt.</translation>
    </message>
    <message>
      <source>Asking the target</source>
      <translation>Das Ziel wird gefragt</translation>
    </message>
    <message>
      <source>Asking “{subject}” what it offers.</source>
      <translation>„{subject}“ wird gefragt, was es anbietet.</translation>
    </message>
    <message>
      <source>Asking “{subject}” whether one has to sign in.</source>
      <translation>„{subject}“ wird gefragt, ob man sich anmelden muss.</translation>
    </message>
    <message>
      <source>Attach</source>
      <translation>Anschließen</translation>
    </message>
    <message>
      <source>Attach disks as</source>
      <translation>Datenträger anschließen als</translation>
    </message>
    <message>
      <source>Attach disks here</source>
      <translation>Datenträger hier anschließen</translation>
    </message>
    <message>
      <source>Attach it first.</source>
      <translation>Schließen Sie ihn zuerst an.</translation>
    </message>
    <message>
      <source>Attach it read-only, or change its settings on the target.</source>
      <translation>Schließen Sie ihn schreibgeschützt an, oder ändern Sie seine Einstellungen am Ziel.</translation>
    </message>
    <message>
      <source>Attach its disks, so that they can be used</source>
      <translation>Die Datenträger anschließen, damit sie genutzt werden können</translation>
    </message>
    <message>
      <source>Attach the disk to use it on this computer.</source>
      <translation>Schließen Sie den Datenträger an, um ihn auf diesem Computer zu nutzen.</translation>
    </message>
    <message>
      <source>Attach the disks</source>
      <translation>Die Datenträger anschließen</translation>
    </message>
    <message>
      <source>Attached as {method}</source>
      <translation>Angeschlossen als {method}</translation>
    </message>
    <message>
      <source>Attached as {method}: {reason}</source>
      <translation>Angeschlossen als {method}: {reason}</translation>
    </message>
    <message>
      <source>Attaching</source>
      <translation>Wird angeschlossen</translation>
    </message>
    <message>
      <source>Attaching the disk</source>
      <translation>Der Datenträger wird angeschlossen</translation>
    </message>
    <message>
      <source>Back</source>
      <translation>Zurück</translation>
    </message>
    <message>
      <source>Back to the default: {setting}</source>
      <translation>Zurück zur Voreinstellung: {setting}</translation>
    </message>
    <message>
      <source>Be asked for the secret</source>
      <translation>Nach dem Geheimnis gefragt werden</translation>
    </message>
    <message>
      <source>Be let in</source>
      <translation>Eingelassen werden</translation>
    </message>
    <message>
      <source>CD or DVD drive</source>
      <translation>CD- oder DVD-Laufwerk</translation>
    </message>
    <message>
      <source>CHAP name</source>
      <translation>CHAP-Name</translation>
    </message>
    <message>
      <source>CHAP, both sides</source>
      <translation>CHAP, beide Seiten</translation>
    </message>
    <message>
      <source>CHAP: this computer proves itself</source>
      <translation>CHAP: Dieser Computer weist sich aus</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <source>Cancelled.</source>
      <translation>Abgebrochen.</translation>
    </message>
    <message>
      <source>Change the existing one, or choose another name.</source>
      <translation>Ändern Sie den vorhandenen Eintrag, oder wählen Sie einen anderen Namen.</translation>
    </message>
    <message>
      <source>Change the name</source>
      <translation>Namen ändern</translation>
    </message>
    <message>
      <source>Change “{address}”</source>
      <translation>„{address}“ ändern</translation>
    </message>
    <message>
      <source>Change …</source>
      <translation>Ändern …</translation>
    </message>
    <message>
      <source>Check cable, Wi-Fi, VPN and the address.</source>
      <translation>Prüfen Sie Kabel, WLAN, VPN und die Adresse.</translation>
    </message>
    <message>
      <source>Check cables, network cards and switches.</source>
      <translation>Prüfen Sie Kabel, Netzwerkkarten und Switches.</translation>
    </message>
    <message>
      <source>Check that it is running and reachable, and that the port is that of iSCSI (3260 unless it was changed), then try again.</source>
      <translation>Prüfen Sie, ob es läuft und erreichbar ist und ob der Port der von iSCSI ist (3260, wenn er nicht geändert wurde). Versuchen Sie es dann erneut.</translation>
    </message>
    <message>
      <source>Check that it is switched on and that the address is right.</source>
      <translation>Prüfen Sie, ob es eingeschaltet ist und ob die Adresse stimmt.</translation>
    </message>
    <message>
      <source>Check that the device is switched on and that the address is right; then the firewall (TCP port {port}).</source>
      <translation>Prüfen Sie, ob das Gerät eingeschaltet ist und ob die Adresse stimmt; dann die Firewall (TCP-Port {port}).</translation>
    </message>
    <message>
      <source>Check the connection</source>
      <translation>Verbindung prüfen</translation>
    </message>
    <message>
      <source>Check the connection …</source>
      <translation>Verbindung prüfen …</translation>
    </message>
    <message>
      <source>Check the port; iSCSI uses 3260 unless it was changed.</source>
      <translation>Prüfen Sie den Port; iSCSI nutzt 3260, wenn er nicht geändert wurde.</translation>
    </message>
    <message>
      <source>Check the spelling, or use the number (IP address) that the storage device shows in its settings.</source>
      <translation>Prüfen Sie die Schreibweise, oder nehmen Sie die Nummer (IP-Adresse), die das Speichergerät in seinen Einstellungen zeigt.</translation>
    </message>
    <message>
      <source>Check the spelling. Examples: nas.local, 192.0.2.5:3260, [2001:db8::5].</source>
      <translation>Prüfen Sie die Schreibweise. Beispiele: nas.local, 192.0.2.5:3260, [2001:db8::5].</translation>
    </message>
    <message>
      <source>Check the target's own name and secret. Do not connect if you are not sure that it is yours.</source>
      <translation>Prüfen Sie Namen und Geheimnis des Ziels selbst. Verbinden Sie sich nicht, wenn Sie nicht sicher sind, dass es Ihres ist.</translation>
    </message>
    <message>
      <source>Checksums</source>
      <translation>Prüfsummen</translation>
    </message>
    <message>
      <source>Checksums over message headers</source>
      <translation>Prüfsummen über die Köpfe der Nachrichten</translation>
    </message>
    <message>
      <source>Checksums over message headers: what we offer, the preferred one first.</source>
      <translation>Prüfsummen über die Köpfe der Nachrichten: was angeboten wird, das Bevorzugte zuerst.</translation>
    </message>
    <message>
      <source>Checksums over the data</source>
      <translation>Prüfsummen über die Daten</translation>
    </message>
    <message>
      <source>Checksums over the data: what we offer, the preferred one first.</source>
      <translation>Prüfsummen über die Daten: was angeboten wird, das Bevorzugte zuerst.</translation>
    </message>
    <message>
      <source>Choose a target</source>
      <translation>Ziel auswählen</translation>
    </message>
    <message>
      <source>Choose another method, or auto.</source>
      <translation>Wählen Sie eine andere Art, oder auto.</translation>
    </message>
    <message>
      <source>Choose another one.</source>
      <translation>Wählen Sie einen anderen.</translation>
    </message>
    <message>
      <source>Choose another way; `lundock status` lists what this computer can do.</source>
      <translation>Wählen Sie einen anderen Weg; `lundock status` zeigt, was dieser Computer kann.</translation>
    </message>
    <message>
      <source>Clear the search</source>
      <translation>Suche leeren</translation>
    </message>
    <message>
      <source>Close</source>
      <translation>Schließen</translation>
    </message>
    <message>
      <source>Close the programs that use it, then try again.</source>
      <translation>Schließen Sie die Programme, die ihn nutzen, und versuchen Sie es dann erneut.</translation>
    </message>
    <message>
      <source>Close the window?</source>
      <translation>Fenster schließen?</translation>
    </message>
    <message>
      <source>Close what uses it (unmount, close programs), then eject again.</source>
      <translation>Schließen Sie, was ihn nutzt (aushängen, Programme beenden), und werfen Sie ihn dann erneut aus.</translation>
    </message>
    <message>
      <source>Close what uses it; these commands do it in a terminal. Then try again.</source>
      <translation>Schließen Sie, was ihn nutzt; diese Befehle tun es in einem Terminal. Versuchen Sie es dann erneut.</translation>
    </message>
    <message>
      <source>Commands at once</source>
      <translation>Befehle auf einmal</translation>
    </message>
    <message>
      <source>Commands/s</source>
      <translation>Befehle/s</translation>
    </message>
    <message>
      <source>Connect</source>
      <translation>Verbinden</translation>
    </message>
    <message>
      <source>Connect again</source>
      <translation>Erneut verbinden</translation>
    </message>
    <message>
      <source>Connect again.</source>
      <translation>Verbinden Sie sich erneut.</translation>
    </message>
    <message>
      <source>Connect first.</source>
      <translation>Verbinden Sie sich zuerst.</translation>
    </message>
    <message>
      <source>Connect it</source>
      <translation>Verbinden</translation>
    </message>
    <message>
      <source>Connect the interface, or choose another one in the target's settings.</source>
      <translation>Schließen Sie die Schnittstelle an, oder wählen Sie eine andere in den Einstellungen des Ziels.</translation>
    </message>
    <message>
      <source>Connect through one portal only.</source>
      <translation>Verbinden Sie sich nur über ein Portal.</translation>
    </message>
    <message>
      <source>Connect to a target</source>
      <translation>Mit einem Ziel verbinden</translation>
    </message>
    <message>
      <source>Connect to a target …</source>
      <translation>Mit einem Ziel verbinden …</translation>
    </message>
    <message>
      <source>Connect to see this target's disks.</source>
      <translation>Verbinden Sie sich, um die Datenträger dieses Ziels zu sehen.</translation>
    </message>
    <message>
      <source>Connect “{target}”</source>
      <translation>„{target}“ verbinden</translation>
    </message>
    <message>
      <source>Connected</source>
      <translation>Verbunden</translation>
    </message>
    <message>
      <source>Connected at</source>
      <translation>Verbunden mit</translation>
    </message>
    <message>
      <source>Connected for {span}</source>
      <translation>Verbunden ({span})</translation>
    </message>
    <message>
      <source>Connecting</source>
      <translation>Wird verbunden</translation>
    </message>
    <message>
      <source>Connecting to the device</source>
      <translation>Verbindung zum Gerät wird aufgebaut</translation>
    </message>
    <message>
      <source>Connecting to “{subject}”</source>
      <translation>Mit „{subject}“ wird verbunden</translation>
    </message>
    <message>
      <source>Connecting …</source>
      <translation>Wird verbunden …</translation>
    </message>
    <message>
      <source>Connection</source>
      <translation>Verbindung</translation>
    </message>
    <message>
      <source>Connection lost, reconnecting …</source>
      <translation>Verbindung verloren, wird neu verbunden …</translation>
    </message>
    <message>
      <source>Connections</source>
      <translation>Verbindungen</translation>
    </message>
    <message>
      <source>Connections in this session</source>
      <translation>Verbindungen dieser Sitzung</translation>
    </message>
    <message>
      <source>Copy</source>
      <translation>Kopieren</translation>
    </message>
    <message>
      <source>Copy all</source>
      <translation>Alles kopieren</translation>
    </message>
    <message>
      <source>Copy report</source>
      <translation>Bericht kopieren</translation>
    </message>
    <message>
      <source>Copy the command</source>
      <translation>Befehl kopieren</translation>
    </message>
    <message>
      <source>Copy the report</source>
      <translation>Bericht kopieren</translation>
    </message>
    <message>
      <source>Copy the target's name</source>
      <translation>Namen des Ziels kopieren</translation>
    </message>
    <message>
      <source>Copy this computer's iSCSI name</source>
      <translation>iSCSI-Namen dieses Computers kopieren</translation>
    </message>
    <message>
      <source>Correct it and try again.</source>
      <translation>Berichtigen Sie es, und versuchen Sie es erneut.</translation>
    </message>
    <message>
      <source>Correct it, or type the address. A secret is asked for when it is needed.</source>
      <translation>Berichtigen Sie ihn, oder geben Sie die Adresse ein. Nach einem Geheimnis wird gefragt, wenn es nötig ist.</translation>
    </message>
    <message>
      <source>Could not connect</source>
      <translation>Verbindung nicht möglich</translation>
    </message>
    <message>
      <source>Data</source>
      <translation>Daten</translation>
    </message>
    <message>
      <source>Data in order</source>
      <translation>Daten in Reihenfolge</translation>
    </message>
    <message>
      <source>Data of a sequence comes in order</source>
      <translation>Daten einer Sequenz kommen in Reihenfolge</translation>
    </message>
    <message>
      <source>Data of one sequence comes in the order of its place on the disk.</source>
      <translation>Die Daten einer Sequenz kommen in der Reihenfolge ihres Platzes auf dem Datenträger.</translation>
    </message>
    <message>
      <source>Data path</source>
      <translation>Datenweg</translation>
    </message>
    <message>
      <source>Data was damaged on the way ({where}).</source>
      <translation>Daten wurden unterwegs beschädigt ({where}).</translation>
    </message>
    <message>
      <source>Data was damaged on the way to the target, and sent again</source>
      <translation>Daten wurden auf dem Weg zum Ziel beschädigt und erneut gesendet</translation>
    </message>
    <message>
      <source>Data with the command</source>
      <translation>Daten mit dem Befehl</translation>
    </message>
    <message>
      <source>Deadlines</source>
      <translation>Fristen</translation>
    </message>
    <message>
      <source>Details</source>
      <translation>Details</translation>
    </message>
    <message>
      <source>Details of this target</source>
      <translation>Details dieses Ziels</translation>
    </message>
    <message>
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <source>Discard</source>
      <translation>Verwerfen</translation>
    </message>
    <message>
      <source>Disconnect</source>
      <translation>Trennen</translation>
    </message>
    <message>
      <source>Disconnect computers that are not needed, or try again in a while.</source>
      <translation>Trennen Sie Computer, die nicht gebraucht werden, oder versuchen Sie es später erneut.</translation>
    </message>
    <message>
      <source>Disconnect first.</source>
      <translation>Trennen Sie zuerst die Verbindung.</translation>
    </message>
    <message>
      <source>Disconnect other computers that are not needed, or raise the limit on the target.</source>
      <translation>Trennen Sie andere Computer, die nicht gebraucht werden, oder erhöhen Sie die Grenze am Ziel.</translation>
    </message>
    <message>
      <source>Disconnect the other computer first.</source>
      <translation>Trennen Sie zuerst den anderen Computer.</translation>
    </message>
    <message>
      <source>Disconnected</source>
      <translation>Getrennt</translation>
    </message>
    <message>
      <source>Disconnecting</source>
      <translation>Wird getrennt</translation>
    </message>
    <message>
      <source>Disconnecting …</source>
      <translation>Wird getrennt …</translation>
    </message>
    <message>
      <source>Disk</source>
      <translation>Datenträger</translation>
    </message>
    <message>
      <source>Disk attached</source>
      <translation>Datenträger angeschlossen</translation>
    </message>
    <message>
      <source>Disk ejected; it is safe to unplug</source>
      <translation>Datenträger ausgeworfen; er kann sicher entfernt werden</translation>
    </message>
    <message>
      <source>Disks</source>
      <translation>Datenträger</translation>
    </message>
    <message>
      <source>Disks of this target</source>
      <translation>Datenträger dieses Ziels</translation>
    </message>
    <message>
      <source>Dismiss</source>
      <translation>Ausblenden</translation>
    </message>
    <message>
      <source>Done</source>
      <translation>Fertig</translation>
    </message>
    <message>
      <source>Each step from the name to the disks is tried. Nothing is changed.</source>
      <translation>Jeder Schritt vom Namen bis zu den Datenträgern wird versucht. Nichts wird geändert.</translation>
    </message>
    <message>
      <source>Eject</source>
      <translation>Auswerfen</translation>
    </message>
    <message>
      <source>Eject anyway</source>
      <translation>Trotzdem auswerfen</translation>
    </message>
    <message>
      <source>Eject anyway …</source>
      <translation>Trotzdem auswerfen …</translation>
    </message>
    <message>
      <source>Eject the old disk, then attach the new one on purpose.</source>
      <translation>Werfen Sie den alten Datenträger aus, und schließen Sie dann den neuen bewusst an.</translation>
    </message>
    <message>
      <source>Eject “{disk}”?</source>
      <translation>„{disk}“ auswerfen?</translation>
    </message>
    <message>
      <source>Eject “{target}”</source>
      <translation>„{target}“ auswerfen</translation>
    </message>
    <message>
      <source>Eject “{target}” (away)</source>
      <translation>„{target}“ auswerfen (nicht erreichbar)</translation>
    </message>
    <message>
      <source>Ejecting</source>
      <translation>Wird ausgeworfen</translation>
    </message>
    <message>
      <source>Ejecting “{disk}”</source>
      <translation>„{disk}“ wird ausgeworfen</translation>
    </message>
    <message>
      <source>Empty is this computer's iSCSI name.</source>
      <translation>Leer: der iSCSI-Name dieses Computers.</translation>
    </message>
    <message>
      <source>Events</source>
      <translation>Ereignisse</translation>
    </message>
    <message>
      <source>Events of this target</source>
      <translation>Ereignisse dieses Ziels</translation>
    </message>
    <message>
      <source>Everything works</source>
      <translation>Alles funktioniert</translation>
    </message>
    <message>
      <source>Fewer settings</source>
      <translation>Weniger Einstellungen</translation>
    </message>
    <message>
      <source>File system</source>
      <translation>Dateisystem</translation>
    </message>
    <message>
      <source>Find out why …</source>
      <translation>Ursache suchen …</translation>
    </message>
    <message>
      <source>Find the way there</source>
      <translation>Weg dorthin finden</translation>
    </message>
    <message>
      <source>Finding out why</source>
      <translation>Ursache wird gesucht</translation>
    </message>
    <message>
      <source>Finding the way there</source>
      <translation>Weg dorthin wird gesucht</translation>
    </message>
    <message>
      <source>Finishing when asked to leave</source>
      <translation>Zu Ende bringen, wenn das Ziel uns gehen lässt</translation>
    </message>
    <message>
      <source>First pause when away</source>
      <translation>Erste Pause bei Verlust</translation>
    </message>
    <message>
      <source>First pause when busy</source>
      <translation>Erste Pause bei Auslastung</translation>
    </message>
    <message>
      <source>First pause when not ready</source>
      <translation>Erste Pause, bis er bereit ist</translation>
    </message>
    <message>
      <source>For devices without a list. It stands in the device's iSCSI settings and begins with iqn, eui or naa.</source>
      <translation>Für Geräte ohne Liste. Er steht in den iSCSI-Einstellungen des Geräts und beginnt mit iqn, eui oder naa.</translation>
    </message>
    <message>
      <source>For example, it does not allow looking for targets.</source>
      <translation>Zum Beispiel erlaubt es nicht, nach Zielen zu suchen.</translation>
    </message>
    <message>
      <source>For large disks and large files. It can grow, and never shrink.</source>
      <translation>Für große Datenträger und große Dateien. Es kann wachsen, aber nie schrumpfen.</translation>
    </message>
    <message>
      <source>Forget</source>
      <translation>Vergessen</translation>
    </message>
    <message>
      <source>Forget its targets, too</source>
      <translation>Auch seine Ziele vergessen</translation>
    </message>
    <message>
      <source>Forget this address?</source>
      <translation>Diese Adresse vergessen?</translation>
    </message>
    <message>
      <source>Forget this target …</source>
      <translation>Dieses Ziel vergessen …</translation>
    </message>
    <message>
      <source>Forget this target?</source>
      <translation>Dieses Ziel vergessen?</translation>
    </message>
    <message>
      <source>Forget “{address}”?</source>
      <translation>„{address}“ vergessen?</translation>
    </message>
    <message>
      <source>Forget “{target}”?</source>
      <translation>„{target}“ vergessen?</translation>
    </message>
    <message>
      <source>Forget …</source>
      <translation>Vergessen …</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>Formatieren</translation>
    </message>
    <message>
      <source>Format “{disk}”</source>
      <translation>„{disk}“ formatieren</translation>
    </message>
    <message>
      <source>Format …</source>
      <translation>Formatieren …</translation>
    </message>
    <message>
      <source>Formatting “{disk}”</source>
      <translation>„{disk}“ wird formatiert</translation>
    </message>
    <message>
      <source>Found</source>
      <translation>Gefunden</translation>
    </message>
    <message>
      <source>Give the connection up when nothing at all arrives for this long after a question.</source>
      <translation>Die Verbindung aufgeben, wenn nach einer Frage so lange gar nichts ankommt.</translation>
    </message>
    <message>
      <source>Give the name and the secret that are set on the target.</source>
      <translation>Geben Sie den Namen und das Geheimnis an, die am Ziel eingestellt sind.</translation>
    </message>
    <message>
      <source>Give the secret again …</source>
      <translation>Geheimnis neu angeben …</translation>
    </message>
    <message>
      <source>Give the target's name by hand.</source>
      <translation>Geben Sie den Namen des Ziels von Hand an.</translation>
    </message>
    <message>
      <source>Give up after</source>
      <translation>Aufgeben nach</translation>
    </message>
    <message>
      <source>Go on</source>
      <translation>Fortsetzen</translation>
    </message>
    <message>
      <source>Go through this one only; empty is any.</source>
      <translation>Nur diese verwenden; leer: beliebig.</translation>
    </message>
    <message>
      <source>Hardware or software of the target failed.</source>
      <translation>Hardware oder Software des Ziels hat versagt.</translation>
    </message>
    <message>
      <source>Have name and secret</source>
      <translation>Name und Geheimnis bereit haben</translation>
    </message>
    <message>
      <source>Headers</source>
      <translation>Köpfe</translation>
    </message>
    <message>
      <source>How disks become devices; auto takes the first that this computer can do.</source>
      <translation>Wie Datenträger zu Geräten werden; auto nimmt das Erste, was dieser Computer kann.</translation>
    </message>
    <message>
      <source>How far back</source>
      <translation>Wie weit zurück</translation>
    </message>
    <message>
      <source>How long commands may still be answered after the target asked us to log out; half of the time that it gives at most.</source>
      <translation>Wie lange Befehle noch beantwortet werden dürfen, nachdem das Ziel uns um die Abmeldung gebeten hat; höchstens die Hälfte der Zeit, die es gibt.</translation>
    </message>
    <message>
      <source>How long one command may take before it is aborted.</source>
      <translation>Wie lange ein Befehl dauern darf, bis er abgebrochen wird.</translation>
    </message>
    <message>
      <source>How long reading and writing waits for a lost target before it fails; -1 waits for ever, 0 fails at once.</source>
      <translation>Wie lange Lesen und Schreiben auf ein verlorenes Ziel warten, bevor sie fehlschlagen; -1 wartet für immer, 0 schlägt sofort fehl.</translation>
    </message>
    <message>
      <source>How long the target keeps unfinished work after a loss</source>
      <translation>Wie lange das Ziel Unfertiges nach einem Verlust aufbewahrt</translation>
    </message>
    <message>
      <source>How long the target keeps what a lost connection left unfinished.</source>
      <translation>Wie lange das Ziel aufbewahrt, was eine verlorene Verbindung unfertig ließ.</translation>
    </message>
    <message>
      <source>How long the target may take to abort a command before its disk is reset; never longer than one command.</source>
      <translation>Wie lange das Ziel brauchen darf, um einen Befehl abzubrechen, bevor sein Datenträger zurückgesetzt wird; nie länger als ein Befehl.</translation>
    </message>
    <message>
      <source>How long the target may take to reset a disk before the connection is given up; never longer than one command.</source>
      <translation>Wie lange das Ziel brauchen darf, um einen Datenträger zurückzusetzen, bevor die Verbindung aufgegeben wird; nie länger als ein Befehl.</translation>
    </message>
    <message>
      <source>How long the whole login may take.</source>
      <translation>Wie lange die ganze Anmeldung dauern darf.</translation>
    </message>
    <message>
      <source>How long to wait after a lost connection before the next attempt.</source>
      <translation>Wie lange nach einer verlorenen Verbindung bis zum nächsten Versuch gewartet wird.</translation>
    </message>
    <message>
      <source>How long to wait for the answer to a logout.</source>
      <translation>Wie lange auf die Antwort auf eine Abmeldung gewartet wird.</translation>
    </message>
    <message>
      <source>How long to wait for the network connection.</source>
      <translation>Wie lange auf die Netzwerkverbindung gewartet wird.</translation>
    </message>
    <message>
      <source>How many connections a session may have; several come in a later version.</source>
      <translation>Wie viele Verbindungen eine Sitzung haben darf; mehrere kommen in einer späteren Version.</translation>
    </message>
    <message>
      <source>How many pieces of one write the target may ask for at once.</source>
      <translation>Wie viele Stücke eines Schreibvorgangs das Ziel auf einmal anfordern darf.</translation>
    </message>
    <message>
      <source>How much is repaired without a new login</source>
      <translation>Wie viel ohne neue Anmeldung repariert wird</translation>
    </message>
    <message>
      <source>How much is repaired without a new login; levels 1 and 2 come in a later version.</source>
      <translation>Wie viel ohne neue Anmeldung repariert wird; die Stufen 1 und 2 kommen in einer späteren Version.</translation>
    </message>
    <message>
      <source>How often a command is sent again at once when the target says that it was not done, before it fails.</source>
      <translation>Wie oft ein Befehl sofort erneut gesendet wird, wenn das Ziel sagt, dass er nicht ausgeführt wurde, bevor er fehlschlägt.</translation>
    </message>
    <message>
      <source>How often one command may take too long, over all connections, before it fails.</source>
      <translation>Wie oft ein Befehl zu lange dauern darf, über alle Verbindungen, bevor er fehlschlägt.</translation>
    </message>
    <message>
      <source>How often one login may be sent on to another address.</source>
      <translation>Wie oft eine Anmeldung an eine andere Adresse weitergeschickt werden darf.</translation>
    </message>
    <message>
      <source>How the target reports tasks that were aborted</source>
      <translation>Wie das Ziel abgebrochene Aufgaben meldet</translation>
    </message>
    <message>
      <source>How this computer and the target prove who they are.</source>
      <translation>Wie dieser Computer und das Ziel beweisen, wer sie sind.</translation>
    </message>
    <message>
      <source>How to connect</source>
      <translation>Art der Verbindung</translation>
    </message>
    <message>
      <source>If it happens again, please report it with the log.</source>
      <translation>Wenn es wieder geschieht, melden Sie es bitte mit dem Protokoll.</translation>
    </message>
    <message>
      <source>In use</source>
      <translation>In Benutzung</translation>
    </message>
    <message>
      <source>It accepts no more connections for this session.</source>
      <translation>Es nimmt keine Verbindungen mehr für diese Sitzung an.</translation>
    </message>
    <message>
      <source>It answered “initiator error”.</source>
      <translation>Es antwortete „Fehler des Initiators“.</translation>
    </message>
    <message>
      <source>It begins with iscsi:// and has at most 2048 characters.</source>
      <translation>Er beginnt mit iscsi:// und hat höchstens 2048 Zeichen.</translation>
    </message>
    <message>
      <source>It can be unmounted now, and ejected after that. Save what you are working on first.</source>
      <translation>Er kann jetzt ausgehängt und danach ausgeworfen werden. Speichern Sie zuerst, woran Sie arbeiten.</translation>
    </message>
    <message>
      <source>It can only be read, so it cannot be formatted here.</source>
      <translation>Er kann nur gelesen und deshalb hier nicht formatiert werden.</translation>
    </message>
    <message>
      <source>It can only be read.</source>
      <translation>Er ist schreibgeschützt.</translation>
    </message>
    <message>
      <source>It cannot be used in a login.</source>
      <translation>Bei einer Anmeldung kann er nicht verwendet werden.</translation>
    </message>
    <message>
      <source>It could not be looked at</source>
      <translation>Es konnte nicht nachgesehen werden</translation>
    </message>
    <message>
      <source>It does not do CHAP for this computer.</source>
      <translation>Für diesen Computer bietet es kein CHAP.</translation>
    </message>
    <message>
      <source>It does the work that needs the administrator's rights. Install the lundock package, or start it:</source>
      <translation>Er tut die Arbeit, die die Rechte des Administrators braucht. Installieren Sie das Paket lundock, oder starten Sie ihn:</translation>
    </message>
    <message>
      <source>It has no room for one more session.</source>
      <translation>Es hat keinen Platz für noch eine Sitzung.</translation>
    </message>
    <message>
      <source>It has the form iqn.2026-01.org.example:name, eui.… or naa.…</source>
      <translation>Er hat die Form iqn.2026-01.org.example:name, eui.… oder naa.…</translation>
    </message>
    <message>
      <source>It has {size} now.</source>
      <translation>Er hat jetzt {size}.</translation>
    </message>
    <message>
      <source>It is a part of {name}</source>
      <translation>Er ist ein Teil von {name}</translation>
    </message>
    <message>
      <source>It is a {kind}; Lundock attaches disks.</source>
      <translation>Es ist: {kind}; Lundock schließt Datenträger an.</translation>
    </message>
    <message>
      <source>It is allowed after authentication, and there is no program running that could ask for the password.</source>
      <translation>Es ist nach einer Legitimierung erlaubt, und es läuft kein Programm, das nach dem Passwort fragen könnte.</translation>
    </message>
    <message>
      <source>It is held by: {holders}.</source>
      <translation>Er wird gehalten von: {holders}.</translation>
    </message>
    <message>
      <source>It is mounted on {name}</source>
      <translation>Er ist eingehängt unter {name}</translation>
    </message>
    <message>
      <source>It is not empty any more.</source>
      <translation>Er ist nicht mehr leer.</translation>
    </message>
    <message>
      <source>It is not looked at any more. Nothing changes on the device.</source>
      <translation>Sie wird nicht mehr abgefragt. Am Gerät ändert sich nichts.</translation>
    </message>
    <message>
      <source>It is safe to unplug</source>
      <translation>Kann sicher entfernt werden</translation>
    </message>
    <message>
      <source>It is swap space ({name})</source>
      <translation>Er ist Auslagerungsspeicher ({name})</translation>
    </message>
    <message>
      <source>It knows neither CHAP nor going without.</source>
      <translation>Es kennt weder CHAP noch die Verbindung ohne Anmeldung.</translation>
    </message>
    <message>
      <source>It lets nobody in without signing in (CHAP).</source>
      <translation>Es lässt niemanden ohne Anmeldung (CHAP) ein.</translation>
    </message>
    <message>
      <source>It proves itself with this; empty is any.</source>
      <translation>Damit weist es sich aus; leer: beliebig.</translation>
    </message>
    <message>
      <source>It redirected the login {count} times, or back to where we came from.</source>
      <translation>Es leitete die Anmeldung {count}-mal um, oder dorthin zurück, woher wir kamen.</translation>
    </message>
    <message>
      <source>It refuses CHAP; set it to CHAP, or sign in without a secret.</source>
      <translation>Es lehnt CHAP ab: Stellen Sie es auf CHAP, oder melden Sie sich ohne Geheimnis an.</translation>
    </message>
    <message>
      <source>It refuses all algorithms that were offered.</source>
      <translation>Es lehnt alle angebotenen Algorithmen ab.</translation>
    </message>
    <message>
      <source>It refuses version 0, the only one there is in the standard.</source>
      <translation>Es lehnt Version 0 ab, die einzige, die es im Standard gibt.</translation>
    </message>
    <message>
      <source>It sent more text than the limit of {limit} bytes.</source>
      <translation>Es sandte mehr Text als die Grenze von {limit} Byte.</translation>
    </message>
    <message>
      <source>It wants something that Lundock does not send.</source>
      <translation>Es will etwas, was Lundock nicht sendet.</translation>
    </message>
    <message>
      <source>It was not attached, to protect both.</source>
      <translation>Er wurde nicht angeschlossen, um beide zu schützen.</translation>
    </message>
    <message>
      <source>It was removed, or is not shown to this computer.</source>
      <translation>Er wurde entfernt, oder er wird diesem Computer nicht gezeigt.</translation>
    </message>
    <message>
      <source>It was removed, or its name was typed differently.</source>
      <translation>Es wurde entfernt, oder sein Name wurde anders geschrieben.</translation>
    </message>
    <message>
      <source>It works, but not as it should</source>
      <translation>Es funktioniert, aber nicht wie es sollte</translation>
    </message>
    <message>
      <source>Its disks</source>
      <translation>Seine Datenträger</translation>
    </message>
    <message>
      <source>Its network portals do not belong together.</source>
      <translation>Seine Netzwerkportale gehören nicht zusammen.</translation>
    </message>
    <message>
      <source>Its record is needed for as long as there is a session.</source>
      <translation>Sein Eintrag wird gebraucht, solange es eine Sitzung gibt.</translation>
    </message>
    <message>
      <source>Its settings and its secrets in the keyring are removed here. Nothing changes on the target.</source>
      <translation>Seine Einstellungen und seine Geheimnisse im Schlüsselbund werden hier entfernt. Am Ziel ändert sich nichts.</translation>
    </message>
    <message>
      <source>Its targets stay in your list, those that are connected in any case.</source>
      <translation>Ihre Ziele bleiben in Ihrer Liste, die verbundenen in jedem Fall.</translation>
    </message>
    <message>
      <source>Keep in the keyring</source>
      <translation>Im Schlüsselbund aufbewahren</translation>
    </message>
    <message>
      <source>Keep in the keyring ({why})</source>
      <translation>Im Schlüsselbund aufbewahren ({why})</translation>
    </message>
    <message>
      <source>Keep it</source>
      <translation>Merken</translation>
    </message>
    <message>
      <source>Keeps snapshots, and finds damaged files.</source>
      <translation>Bewahrt Schnappschüsse auf und findet beschädigte Dateien.</translation>
    </message>
    <message>
      <source>Kept addresses</source>
      <translation>Gemerkte Adressen</translation>
    </message>
    <message>
      <source>Kept addresses …</source>
      <translation>Gemerkte Adressen …</translation>
    </message>
    <message>
      <source>Kept by the target</source>
      <translation>Vom Ziel aufbewahrt</translation>
    </message>
    <message>
      <source>LUN {}</source>
      <translation>LUN {}</translation>
    </message>
    <message>
      <source>Largest piece of data in one message</source>
      <translation>Größtes Stück Daten in einer Nachricht</translation>
    </message>
    <message>
      <source>Largest piece received</source>
      <translation>Größtes empfangenes Stück</translation>
    </message>
    <message>
      <source>Last 5 minutes</source>
      <translation>Letzte 5 Minuten</translation>
    </message>
    <message>
      <source>Last hour</source>
      <translation>Letzte Stunde</translation>
    </message>
    <message>
      <source>Latency</source>
      <translation>Latenz</translation>
    </message>
    <message>
      <source>Latency, median / 99 %</source>
      <translation>Latenz, Median / 99 %</translation>
    </message>
    <message>
      <source>Leave it as it is when you are not sure.</source>
      <translation>Lassen Sie es, wie es ist, wenn Sie nicht sicher sind.</translation>
    </message>
    <message>
      <source>Leave it plugged in until it is done.</source>
      <translation>Entfernen Sie ihn nicht, bis es fertig ist.</translation>
    </message>
    <message>
      <source>List the disks again.</source>
      <translation>Lassen Sie die Datenträger erneut auflisten.</translation>
    </message>
    <message>
      <source>List what there is, and try again.</source>
      <translation>Lassen Sie auflisten, was es gibt, und versuchen Sie es erneut.</translation>
    </message>
    <message>
      <source>Log out</source>
      <translation>Abmelden</translation>
    </message>
    <message>
      <source>Log out again</source>
      <translation>Wieder abmelden</translation>
    </message>
    <message>
      <source>Logging out</source>
      <translation>Wird abgemeldet</translation>
    </message>
    <message>
      <source>Logout</source>
      <translation>Abmeldung</translation>
    </message>
    <message>
      <source>Long: some targets take no more than 16 characters.</source>
      <translation>Lang: Manche Ziele nehmen höchstens 16 Zeichen.</translation>
    </message>
    <message>
      <source>Longest pause when away</source>
      <translation>Längste Pause bei Verlust</translation>
    </message>
    <message>
      <source>Longest pause when busy</source>
      <translation>Längste Pause bei Auslastung</translation>
    </message>
    <message>
      <source>Longest pause when not ready</source>
      <translation>Längste Pause, bis er bereit ist</translation>
    </message>
    <message>
      <source>Longest sequence</source>
      <translation>Längste Sequenz</translation>
    </message>
    <message>
      <source>Look again</source>
      <translation>Erneut nachsehen</translation>
    </message>
    <message>
      <source>Look at a disk</source>
      <translation>Einen Datenträger ansehen</translation>
    </message>
    <message>
      <source>Look at it</source>
      <translation>Abfragen</translation>
    </message>
    <message>
      <source>Look at the target and the network.</source>
      <translation>Sehen Sie nach dem Ziel und dem Netzwerk.</translation>
    </message>
    <message>
      <source>Look at the target; try again in a while.</source>
      <translation>Sehen Sie nach dem Ziel; versuchen Sie es später erneut.</translation>
    </message>
    <message>
      <source>Look for changes</source>
      <translation>Nach Änderungen sehen</translation>
    </message>
    <message>
      <source>Look for disks</source>
      <translation>Nach Datenträgern suchen</translation>
    </message>
    <message>
      <source>Look for disks again</source>
      <translation>Erneut nach Datenträgern suchen</translation>
    </message>
    <message>
      <source>Look for targets</source>
      <translation>Nach Zielen suchen</translation>
    </message>
    <message>
      <source>Look for targets again and choose from the list.</source>
      <translation>Suchen Sie erneut nach Zielen, und wählen Sie aus der Liste.</translation>
    </message>
    <message>
      <source>Look into the log; try another method.</source>
      <translation>Sehen Sie ins Protokoll; versuchen Sie eine andere Art.</translation>
    </message>
    <message>
      <source>Look into the target's log.</source>
      <translation>Sehen Sie ins Protokoll des Ziels.</translation>
    </message>
    <message>
      <source>Look now</source>
      <translation>Jetzt abfragen</translation>
    </message>
    <message>
      <source>Look up the address</source>
      <translation>Adresse nachschlagen</translation>
    </message>
    <message>
      <source>Look up the name</source>
      <translation>Namen nachschlagen</translation>
    </message>
    <message>
      <source>Looked at {often}</source>
      <translation>Wird abgefragt: {often}</translation>
    </message>
    <message>
      <source>Looking at “{target}”</source>
      <translation>„{target}“ wird geprüft</translation>
    </message>
    <message>
      <source>Looking for disks</source>
      <translation>Datenträger werden gesucht</translation>
    </message>
    <message>
      <source>Looking for targets</source>
      <translation>Ziele werden gesucht</translation>
    </message>
    <message>
      <source>Looking for targets failed</source>
      <translation>Die Suche nach Zielen ist fehlgeschlagen</translation>
    </message>
    <message>
      <source>Looking up the address</source>
      <translation>Adresse wird nachgeschlagen</translation>
    </message>
    <message>
      <source>Lost and came back</source>
      <translation>Verloren und wiedergekommen</translation>
    </message>
    <message>
      <source>Lundock connects again by itself as long as the target's policy says; otherwise connect again.</source>
      <translation>Lundock verbindet sich von selbst wieder, solange die Richtlinie des Ziels es sagt; verbinden Sie sich sonst erneut.</translation>
    </message>
    <message>
      <source>Lundock has closed the connection to protect your data. Please report it with the target's maker and model.</source>
      <translation>Lundock hat die Verbindung geschlossen, um Ihre Daten zu schützen. Bitte melden Sie es mit Hersteller und Modell des Ziels.</translation>
    </message>
    <message>
      <source>Lundock looks at kept addresses from time to time, and puts what a device offers into your list.</source>
      <translation>Lundock fragt gemerkte Adressen von Zeit zu Zeit ab und setzt in Ihre Liste, was ein Gerät anbietet.</translation>
    </message>
    <message>
      <source>Lundock reaches its service through it. It is looked for again and again.</source>
      <translation>Lundock erreicht seinen Dienst über ihn. Er wird immer wieder gesucht.</translation>
    </message>
    <message>
      <source>Lundock service {version}</source>
      <translation>Lundock-Dienst {version}</translation>
    </message>
    <message>
      <source>Lundock stays in the tray</source>
      <translation>Lundock bleibt im Infobereich</translation>
    </message>
    <message>
      <source>Lundock: nothing is connected</source>
      <translation>Lundock: nichts ist verbunden</translation>
    </message>
    <message>
      <source>Lundock: the service is away</source>
      <translation>Lundock: Der Dienst ist nicht da</translation>
    </message>
    <message>
      <source>Make a new {kind} file system on “{disk}”, {size}, {device}? Everything that may be on it is lost.</source>
      <translation>Auf „{disk}“, {size}, {device}, ein neues Dateisystem vom Typ {kind} anlegen? Alles, was darauf sein mag, geht verloren.</translation>
    </message>
    <message>
      <source>Make room on it, or look after it, and try again.</source>
      <translation>Schaffen Sie dort Platz, oder sehen Sie danach, und versuchen Sie es erneut.</translation>
    </message>
    <message>
      <source>Make room on the target.</source>
      <translation>Schaffen Sie am Ziel Platz.</translation>
    </message>
    <message>
      <source>Make up a random one and copy it: {name}</source>
      <translation>Ein zufälliges erzeugen und kopieren: {name}</translation>
    </message>
    <message>
      <source>Memory</source>
      <translation>Speicher</translation>
    </message>
    <message>
      <source>Menu</source>
      <translation>Menü</translation>
    </message>
    <message>
      <source>More</source>
      <translation>Mehr</translation>
    </message>
    <message>
      <source>More settings</source>
      <translation>Mehr Einstellungen</translation>
    </message>
    <message>
      <source>Most data of a write that is sent unasked</source>
      <translation>Meiste Daten eines Schreibvorgangs, die ungefragt gesendet werden</translation>
    </message>
    <message>
      <source>Most data the target asks for, or sends, in one go</source>
      <translation>Meiste Daten, die das Ziel auf einmal anfordert oder sendet</translation>
    </message>
    <message>
      <source>Mount</source>
      <translation>Einhängen</translation>
    </message>
    <message>
      <source>Mount what is on them, so that their files can be opened</source>
      <translation>Einhängen, was darauf ist, damit die Dateien geöffnet werden können</translation>
    </message>
    <message>
      <source>Mounted on {place}</source>
      <translation>Eingehängt unter {place}</translation>
    </message>
    <message>
      <source>My target is not listed …</source>
      <translation>Mein Ziel ist nicht aufgeführt …</translation>
    </message>
    <message>
      <source>My target is not listed: type its name</source>
      <translation>Mein Ziel ist nicht aufgeführt: Namen eingeben</translation>
    </message>
    <message>
      <source>Name</source>
      <translation>Name</translation>
    </message>
    <message>
      <source>Name of the disk</source>
      <translation>Name des Datenträgers</translation>
    </message>
    <message>
      <source>Name to sign in with</source>
      <translation>Name für die Anmeldung</translation>
    </message>
    <message>
      <source>Network connection</source>
      <translation>Netzwerkverbindung</translation>
    </message>
    <message>
      <source>Network interface</source>
      <translation>Netzwerkschnittstelle</translation>
    </message>
    <message>
      <source>Never write to this target's disks.</source>
      <translation>Nie auf die Datenträger dieses Ziels schreiben.</translation>
    </message>
    <message>
      <source>Next</source>
      <translation>Weiter</translation>
    </message>
    <message>
      <source>No address is kept</source>
      <translation>Keine Adresse gemerkt</translation>
    </message>
    <message>
      <source>No computer is known by the name “{address}”.</source>
      <translation>Kein Computer ist unter dem Namen „{address}“ bekannt.</translation>
    </message>
    <message>
      <source>No disks</source>
      <translation>Keine Datenträger</translation>
    </message>
    <message>
      <source>No target fits “{words}”.</source>
      <translation>Kein Ziel passt zu „{words}“.</translation>
    </message>
    <message>
      <source>No targets yet</source>
      <translation>Noch keine Ziele</translation>
    </message>
    <message>
      <source>No way of signing in that both sides know.</source>
      <translation>Kein Anmeldeverfahren, das beide Seiten kennen.</translation>
    </message>
    <message>
      <source>Nobody uses it any more.</source>
      <translation>Niemand nutzt ihn mehr.</translation>
    </message>
    <message>
      <source>Nobody who could be asked is signed in, or the keyring is locked or absent. {detail}</source>
      <translation>Niemand, der gefragt werden könnte, ist angemeldet, oder der Schlüsselbund ist gesperrt oder fehlt. {detail}</translation>
    </message>
    <message>
      <source>None was given.</source>
      <translation>Es wurde keines angegeben.</translation>
    </message>
    <message>
      <source>Not attached</source>
      <translation>Nicht angeschlossen</translation>
    </message>
    <message>
      <source>Not connected</source>
      <translation>Nicht verbunden</translation>
    </message>
    <message>
      <source>Not in use</source>
      <translation>Nicht in Benutzung</translation>
    </message>
    <message>
      <source>Not known just now</source>
      <translation>Im Augenblick nicht bekannt</translation>
    </message>
    <message>
      <source>Not known: the Lundock service is away</source>
      <translation>Nicht bekannt: Der Lundock-Dienst ist nicht da</translation>
    </message>
    <message>
      <source>Not ready</source>
      <translation>Nicht bereit</translation>
    </message>
    <message>
      <source>Nothing answers on the bus under its name.</source>
      <translation>Unter seinem Namen antwortet niemand am Bus.</translation>
    </message>
    <message>
      <source>Nothing is on it yet.</source>
      <translation>Es ist noch nichts darauf.</translation>
    </message>
    <message>
      <source>Nothing is read or written just now</source>
      <translation>Gerade wird nichts gelesen oder geschrieben</translation>
    </message>
    <message>
      <source>Nothing was lost.</source>
      <translation>Nichts ging verloren.</translation>
    </message>
    <message>
      <source>Nothing yet</source>
      <translation>Noch nichts</translation>
    </message>
    <message>
      <source>Of what</source>
      <translation>Wovon</translation>
    </message>
    <message>
      <source>One command</source>
      <translation>Ein Befehl</translation>
    </message>
    <message>
      <source>One disk has one device.</source>
      <translation>Ein Datenträger hat ein Gerät.</translation>
    </message>
    <message>
      <source>One moment</source>
      <translation>Einen Moment</translation>
    </message>
    <message>
      <source>One more at once after</source>
      <translation>Einer mehr auf einmal nach</translation>
    </message>
    <message>
      <source>One program has more than 32 calls waiting for an answer.</source>
      <translation>Ein Programm hat mehr als 32 Aufrufe, die auf Antwort warten.</translation>
    </message>
    <message>
      <source>One session to a target is enough.</source>
      <translation>Eine Sitzung mit einem Ziel genügt.</translation>
    </message>
    <message>
      <source>One session was affected. It is started again by itself.</source>
      <translation>Eine Sitzung war betroffen. Sie wird von selbst wieder gestartet.</translation>
    </message>
    <message>
      <source>Open</source>
      <translation>Öffnen</translation>
    </message>
    <message>
      <source>Open the keyring, or give the secret when connecting.</source>
      <translation>Öffnen Sie den Schlüsselbund, oder geben Sie das Geheimnis beim Verbinden an.</translation>
    </message>
    <message>
      <source>Open the window</source>
      <translation>Fenster öffnen</translation>
    </message>
    <message>
      <source>Operations</source>
      <translation>Vorgänge</translation>
    </message>
    <message>
      <source>Pages</source>
      <translation>Seiten</translation>
    </message>
    <message>
      <source>Pause</source>
      <translation>Anhalten</translation>
    </message>
    <message>
      <source>Pause before a command is sent again to a disk that is busy; doubled each time.</source>
      <translation>Pause, bevor ein Befehl erneut an einen ausgelasteten Datenträger gesendet wird; jedes Mal verdoppelt.</translation>
    </message>
    <message>
      <source>Pause before connecting again after a loss</source>
      <translation>Pause vor dem Wiederverbinden nach einem Verlust</translation>
    </message>
    <message>
      <source>Pause before reconnecting</source>
      <translation>Pause vor dem Wiederverbinden</translation>
    </message>
    <message>
      <source>Pauses</source>
      <translation>Pausen</translation>
    </message>
    <message>
      <source>Pictures (*.png)</source>
      <translation>Bilder (*.png)</translation>
    </message>
    <message>
      <source>Pieces asked for at once</source>
      <translation>Stücke auf einmal angefordert</translation>
    </message>
    <message>
      <source>Pieces of one write that the target asks for at once</source>
      <translation>Stücke eines Schreibvorgangs, die das Ziel auf einmal anfordert</translation>
    </message>
    <message>
      <source>Please report it at https://github.com/lundock/lundock/issues with the log's lines around {log_id}.</source>
      <translation>Bitte melden Sie es unter https://github.com/lundock/lundock/issues mit den Zeilen des Protokolls um {log_id}.</translation>
    </message>
    <message>
      <source>Please report it with the target's maker and model.</source>
      <translation>Bitte melden Sie es mit Hersteller und Modell des Ziels.</translation>
    </message>
    <message>
      <source>Preferences</source>
      <translation>Einstellungen</translation>
    </message>
    <message>
      <source>Preferences …</source>
      <translation>Einstellungen …</translation>
    </message>
    <message>
      <source>Problem: {summary}</source>
      <translation>Problem: {summary}</translation>
    </message>
    <message>
      <source>Progress</source>
      <translation>Fortschritt</translation>
    </message>
    <message>
      <source>Protection</source>
      <translation>Schutz</translation>
    </message>
    <message>
      <source>Prove the secret</source>
      <translation>Geheimnis nachweisen</translation>
    </message>
    <message>
      <source>Quality of the connection</source>
      <translation>Qualität der Verbindung</translation>
    </message>
    <message>
      <source>Queue</source>
      <translation>Warteschlange</translation>
    </message>
    <message>
      <source>Quit</source>
      <translation>Beenden</translation>
    </message>
    <message>
      <source>Quit Lundock?</source>
      <translation>Lundock beenden?</translation>
    </message>
    <message>
      <source>Reach the device</source>
      <translation>Gerät erreichen</translation>
    </message>
    <message>
      <source>Reach the port</source>
      <translation>Port erreichen</translation>
    </message>
    <message>
      <source>Reach the target</source>
      <translation>Ziel erreichen</translation>
    </message>
    <message>
      <source>Reached at</source>
      <translation>Erreichbar unter</translation>
    </message>
    <message>
      <source>Read</source>
      <translation>Gelesen</translation>
    </message>
    <message>
      <source>Read only</source>
      <translation>Schreibgeschützt</translation>
    </message>
    <message>
      <source>Read only: never write to its disks</source>
      <translation>Schreibgeschützt: nie auf seine Datenträger schreiben</translation>
    </message>
    <message>
      <source>Reading and writing waits until it is back.</source>
      <translation>Lesen und Schreiben warten, bis es wieder da ist.</translation>
    </message>
    <message>
      <source>Reading or writing failed</source>
      <translation>Lesen oder Schreiben ist fehlgeschlagen</translation>
    </message>
    <message>
      <source>Reading or writing failed.</source>
      <translation>Lesen oder Schreiben ist fehlgeschlagen.</translation>
    </message>
    <message>
      <source>Refuse secrets of less than 12 characters instead of warning.</source>
      <translation>Geheimnisse mit weniger als 12 Zeichen ablehnen, statt zu warnen.</translation>
    </message>
    <message>
      <source>Refuse short secrets</source>
      <translation>Kurze Geheimnisse ablehnen</translation>
    </message>
    <message>
      <source>Repaired without a login</source>
      <translation>Repariert ohne Anmeldung</translation>
    </message>
    <message>
      <source>Resetting a disk</source>
      <translation>Einen Datenträger zurücksetzen</translation>
    </message>
    <message>
      <source>Run it from a desktop session, or in a terminal, where you can be asked.</source>
      <translation>Führen Sie es in einer Desktop-Sitzung oder in einem Terminal aus, wo Sie gefragt werden können.</translation>
    </message>
    <message>
      <source>Save</source>
      <translation>Speichern</translation>
    </message>
    <message>
      <source>Save a picture</source>
      <translation>Bild speichern</translation>
    </message>
    <message>
      <source>Save a picture …</source>
      <translation>Bild speichern …</translation>
    </message>
    <message>
      <source>Save your data, and look at the target's disks.</source>
      <translation>Sichern Sie Ihre Daten, und sehen Sie nach den Datenträgern des Ziels.</translation>
    </message>
    <message>
      <source>Saved</source>
      <translation>Gespeichert</translation>
    </message>
    <message>
      <source>Search</source>
      <translation>Suchen</translation>
    </message>
    <message>
      <source>Search the targets</source>
      <translation>Die Ziele durchsuchen</translation>
    </message>
    <message>
      <source>Secret</source>
      <translation>Geheimnis</translation>
    </message>
    <message>
      <source>See which of its addresses answer</source>
      <translation>Sehen, welche seiner Adressen antworten</translation>
    </message>
    <message>
      <source>Seeing which of its addresses answer</source>
      <translation>Seine Adressen werden versucht</translation>
    </message>
    <message>
      <source>Send small writes in one message with the command.</source>
      <translation>Kleine Schreibvorgänge in einer Nachricht mit dem Befehl senden.</translation>
    </message>
    <message>
      <source>Sent again at once</source>
      <translation>Sofort erneut gesendet</translation>
    </message>
    <message>
      <source>Sent on at most</source>
      <translation>Höchstens weitergeschickt</translation>
    </message>
    <message>
      <source>Sent unasked at most</source>
      <translation>Höchstens ungefragt gesendet</translation>
    </message>
    <message>
      <source>Sequences in order</source>
      <translation>Sequenzen in Reihenfolge</translation>
    </message>
    <message>
      <source>Sequences of data come in order</source>
      <translation>Sequenzen von Daten kommen in Reihenfolge</translation>
    </message>
    <message>
      <source>Sequences of data come in the order of their place on the disk.</source>
      <translation>Sequenzen von Daten kommen in der Reihenfolge ihres Platzes auf dem Datenträger.</translation>
    </message>
    <message>
      <source>Set a target up in the device's iSCSI settings, and allow this computer's name there: {initiator_name}</source>
      <translation>Richten Sie in den iSCSI-Einstellungen des Geräts ein Ziel ein, und lassen Sie dort den Namen dieses Computers zu: {initiator_name}</translation>
    </message>
    <message>
      <source>Set one of 12 to 16 characters on the target and here.</source>
      <translation>Stellen Sie am Ziel und hier eines mit 12 bis 16 Zeichen ein.</translation>
    </message>
    <message>
      <source>Set two different secrets.</source>
      <translation>Stellen Sie zwei verschiedene Geheimnisse ein.</translation>
    </message>
    <message>
      <source>Settings</source>
      <translation>Einstellungen</translation>
    </message>
    <message>
      <source>Settings of this target</source>
      <translation>Einstellungen dieses Ziels</translation>
    </message>
    <message>
      <source>Short: 12 to 16 characters are advised.</source>
      <translation>Kurz: 12 bis 16 Zeichen werden empfohlen.</translation>
    </message>
    <message>
      <source>Show notifications</source>
      <translation>Benachrichtigungen zeigen</translation>
    </message>
    <message>
      <source>Show: {name}</source>
      <translation>Zeigen: {name}</translation>
    </message>
    <message>
      <source>Sign in</source>
      <translation>Anmelden</translation>
    </message>
    <message>
      <source>Sign in the same way on both sides: leave the name and the secret out where the target wants none, or set it to CHAP.</source>
      <translation>Melden Sie sich auf beiden Seiten gleich an: Lassen Sie Namen und Geheimnis weg, wenn das Ziel keine will, oder stellen Sie es auf CHAP.</translation>
    </message>
    <message>
      <source>Sign in to {target}</source>
      <translation>An {target} anmelden</translation>
    </message>
    <message>
      <source>Sign in …</source>
      <translation>Anmelden …</translation>
    </message>
    <message>
      <source>Sign in, where it asks for that</source>
      <translation>Anmelden, wenn es das verlangt</translation>
    </message>
    <message>
      <source>Sign-in</source>
      <translation>Anmeldung</translation>
    </message>
    <message>
      <source>Signing in</source>
      <translation>Anmeldung läuft</translation>
    </message>
    <message>
      <source>Since</source>
      <translation>Seit</translation>
    </message>
    <message>
      <source>Size</source>
      <translation>Größe</translation>
    </message>
    <message>
      <source>Small writes travel in one message with the command</source>
      <translation>Kleine Schreibvorgänge reisen in einer Nachricht mit dem Befehl</translation>
    </message>
    <message>
      <source>Something behind the end of a disk was asked for</source>
      <translation>Etwas hinter dem Ende eines Datenträgers wurde angefordert</translation>
    </message>
    <message>
      <source>Something happened that was not foreseen. The log holds the details under this number.</source>
      <translation>Etwas Unvorhergesehenes ist geschehen. Das Protokoll hat die Einzelheiten unter dieser Nummer.</translation>
    </message>
    <message>
      <source>Start Lundock in the tray when I log in: it gives the secret and mounts</source>
      <translation>Lundock beim Anmelden im Infobereich starten: Es gibt das Geheimnis und hängt ein</translation>
    </message>
    <message>
      <source>Start Lundock when I log in</source>
      <translation>Lundock starten, wenn ich mich anmelde</translation>
    </message>
    <message>
      <source>Start it (systemctl start lundock), or install the lundock package.</source>
      <translation>Starten Sie ihn (systemctl start lundock), oder installieren Sie das Paket lundock.</translation>
    </message>
    <message>
      <source>Start it again when you like.</source>
      <translation>Starten Sie es wieder, wenn Sie möchten.</translation>
    </message>
    <message>
      <source>Start-up</source>
      <translation>Start</translation>
    </message>
    <message>
      <source>State</source>
      <translation>Status</translation>
    </message>
    <message>
      <source>Stay in the tray when the window is closed</source>
      <translation>Im Infobereich bleiben, wenn das Fenster geschlossen wird</translation>
    </message>
    <message>
      <source>Stop connecting “{target}”</source>
      <translation>Verbinden mit „{target}“ abbrechen</translation>
    </message>
    <message>
      <source>Stop looking</source>
      <translation>Suche beenden</translation>
    </message>
    <message>
      <source>Switch the iSCSI service on in the device's settings, or give its port behind the address (name:port).</source>
      <translation>Schalten Sie den iSCSI-Dienst in den Einstellungen des Geräts ein, oder geben Sie seinen Port hinter der Adresse an (Name:Port).</translation>
    </message>
    <message>
      <source>TCP connection</source>
      <translation>TCP-Verbindung</translation>
    </message>
    <message>
      <source>Take it away while it is in use?</source>
      <translation>Entfernen, obwohl er benutzt wird?</translation>
    </message>
    <message>
      <source>Take the device away</source>
      <translation>Das Gerät entfernen</translation>
    </message>
    <message>
      <source>Taking the device away</source>
      <translation>Das Gerät wird entfernt</translation>
    </message>
    <message>
      <source>Target</source>
      <translation>Ziel</translation>
    </message>
    <message>
      <source>Target's CHAP name</source>
      <translation>CHAP-Name des Ziels</translation>
    </message>
    <message>
      <source>Target's name</source>
      <translation>Name des Ziels</translation>
    </message>
    <message>
      <source>Target's s&amp;ecret</source>
      <translation>Geh&amp;eimnis des Ziels</translation>
    </message>
    <message>
      <source>Target's secret</source>
      <translation>Geheimnis des Ziels</translation>
    </message>
    <message>
      <source>Targets</source>
      <translation>Ziele</translation>
    </message>
    <message>
      <source>Targets know this computer by its name: they have to be told the new one.</source>
      <translation>Ziele kennen diesen Computer unter seinem Namen: Der neue muss ihnen mitgeteilt werden.</translation>
    </message>
    <message>
      <source>Targets that keep a list of allowed computers want this name on it</source>
      <translation>Ziele, die eine Liste zugelassener Computer führen, wollen diesen Namen darauf</translation>
    </message>
    <message>
      <source>Targets that keep a list of allowed computers want this name on it.</source>
      <translation>Ziele, die eine Liste zugelassener Computer führen, wollen diesen Namen darauf.</translation>
    </message>
    <message>
      <source>Targets that were found</source>
      <translation>Ziele, die gefunden wurden</translation>
    </message>
    <message>
      <source>Tell the target's administrator.</source>
      <translation>Sagen Sie es dem, der das Ziel verwaltet.</translation>
    </message>
    <message>
      <source>That lets an attacker mirror answers, and the standard forbids it.</source>
      <translation>Damit könnte ein Angreifer Antworten spiegeln, und der Standard verbietet es.</translation>
    </message>
    <message>
      <source>The Lundock service is not running</source>
      <translation>Der Lundock-Dienst läuft nicht</translation>
    </message>
    <message>
      <source>The Lundock service is not running.</source>
      <translation>Der Lundock-Dienst läuft nicht.</translation>
    </message>
    <message>
      <source>The code is not in the standard.</source>
      <translation>Der Code steht nicht im Standard.</translation>
    </message>
    <message>
      <source>The command line is not of the form that this command takes.</source>
      <translation>Die Befehlszeile hat nicht die Form, die dieser Befehl erwartet.</translation>
    </message>
    <message>
      <source>The connection is back</source>
      <translation>Die Verbindung ist wieder da</translation>
    </message>
    <message>
      <source>The connection to {address} broke off.</source>
      <translation>Die Verbindung zu {address} brach ab.</translation>
    </message>
    <message>
      <source>The connection to “{target}” was lost</source>
      <translation>Die Verbindung zu „{target}“ ging verloren</translation>
    </message>
    <message>
      <source>The connection was lost</source>
      <translation>Die Verbindung ging verloren</translation>
    </message>
    <message>
      <source>The device answered, and its list is empty: no target is set up there, or none that this computer may see.</source>
      <translation>Das Gerät hat geantwortet, und seine Liste ist leer: Dort ist kein Ziel eingerichtet, oder keines, das dieser Computer sehen darf.</translation>
    </message>
    <message>
      <source>The device asks for a secret before it says what it offers.</source>
      <translation>Das Gerät fragt nach einem Geheimnis, bevor es sagt, was es anbietet.</translation>
    </message>
    <message>
      <source>The device is switched off, the address is another one, or a firewall on the way keeps it from answering.</source>
      <translation>Das Gerät ist ausgeschaltet, die Adresse ist eine andere, oder eine Firewall auf dem Weg hindert es am Antworten.</translation>
    </message>
    <message>
      <source>The device is there, and nothing listens on this port: the iSCSI service is off, or uses another port.</source>
      <translation>Das Gerät ist da, aber an diesem Port hört niemand zu: Der iSCSI-Dienst ist ausgeschaltet oder nutzt einen anderen Port.</translation>
    </message>
    <message>
      <source>The device knows no target of this name, or does not show it to this computer ({initiator_name}).</source>
      <translation>Das Gerät kennt kein Ziel dieses Namens, oder es zeigt es diesem Computer nicht ({initiator_name}).</translation>
    </message>
    <message>
      <source>The device offers these. Each has one or more disks for a computer.</source>
      <translation>Das Gerät bietet diese Ziele an. Jedes hat einen oder mehrere Datenträger für einen Computer.</translation>
    </message>
    <message>
      <source>The device says that it is gone, and has no new address for it.</source>
      <translation>Das Gerät sagt, dass es weg ist, und hat keine neue Adresse dafür.</translation>
    </message>
    <message>
      <source>The device wants a name and a secret before it says what it offers</source>
      <translation>Das Gerät will einen Namen und ein Geheimnis, bevor es sagt, was es anbietet</translation>
    </message>
    <message>
      <source>The disk could not be attached.</source>
      <translation>Der Datenträger konnte nicht angeschlossen werden.</translation>
    </message>
    <message>
      <source>The disk is already attached as {device}.</source>
      <translation>Der Datenträger ist bereits als {device} angeschlossen.</translation>
    </message>
    <message>
      <source>The disk is in use.</source>
      <translation>Der Datenträger ist in Benutzung.</translation>
    </message>
    <message>
      <source>The disk is not attached.</source>
      <translation>Der Datenträger ist nicht angeschlossen.</translation>
    </message>
    <message>
      <source>The disk that holds them is full, or broken: {detail}. Nothing was changed.</source>
      <translation>Das Laufwerk, auf dem sie liegen, ist voll oder defekt: {detail}. Nichts wurde geändert.</translation>
    </message>
    <message>
      <source>The disk {lun} answered with an error.</source>
      <translation>Der Datenträger {lun} antwortete mit einem Fehler.</translation>
    </message>
    <message>
      <source>The disk {lun} can only be read.</source>
      <translation>Der Datenträger {lun} kann nur gelesen werden.</translation>
    </message>
    <message>
      <source>The disk {lun} has a bad place.</source>
      <translation>Der Datenträger {lun} hat eine schadhafte Stelle.</translation>
    </message>
    <message>
      <source>The disk {lun} is not ready.</source>
      <translation>Der Datenträger {lun} ist nicht bereit.</translation>
    </message>
    <message>
      <source>The disk {lun} promises more than the target has left.</source>
      <translation>Der Datenträger {lun} verspricht mehr, als das Ziel noch hat.</translation>
    </message>
    <message>
      <source>The disk's own identity is {found}, and it was {expected}. It was not attached, to protect both.</source>
      <translation>Die Kennung des Datenträgers ist {found} und war {expected}. Er wurde nicht angeschlossen, um beide zu schützen.</translation>
    </message>
    <message>
      <source>The disks are shown as soon as the target answers.</source>
      <translation>Die Datenträger werden gezeigt, sobald das Ziel antwortet.</translation>
    </message>
    <message>
      <source>The disks are shown when the Lundock service is back.</source>
      <translation>Die Datenträger werden gezeigt, wenn der Lundock-Dienst wieder da ist.</translation>
    </message>
    <message>
      <source>The file with the saved targets was damaged and set aside</source>
      <translation>Die Datei mit den gespeicherten Zielen war beschädigt und wurde beiseitegelegt</translation>
    </message>
    <message>
      <source>The first pause between two looks at a disk that is not ready after a reconnect; doubled each time.</source>
      <translation>Die erste Pause zwischen zwei Blicken auf einen Datenträger, der nach dem Wiederverbinden nicht bereit ist; jedes Mal verdoppelt.</translation>
    </message>
    <message>
      <source>The keyring did not take the secret.</source>
      <translation>Der Schlüsselbund nahm das Geheimnis nicht an.</translation>
    </message>
    <message>
      <source>The keyring failed.</source>
      <translation>Der Schlüsselbund hat versagt.</translation>
    </message>
    <message>
      <source>The keyring has no such secret.</source>
      <translation>Der Schlüsselbund hat kein solches Geheimnis.</translation>
    </message>
    <message>
      <source>The keyring is locked.</source>
      <translation>Der Schlüsselbund ist gesperrt.</translation>
    </message>
    <message>
      <source>The keyring is silent.</source>
      <translation>Der Schlüsselbund antwortet nicht.</translation>
    </message>
    <message>
      <source>The keyring's library is not installed.</source>
      <translation>Die Bibliothek des Schlüsselbunds ist nicht installiert.</translation>
    </message>
    <message>
      <source>The largest piece of data that we accept in one message.</source>
      <translation>Das größte Stück Daten, das in einer Nachricht angenommen wird.</translation>
    </message>
    <message>
      <source>The list of disks changed</source>
      <translation>Die Liste der Datenträger hat sich geändert</translation>
    </message>
    <message>
      <source>The longest pause before a command is sent again to a busy disk.</source>
      <translation>Die längste Pause, bevor ein Befehl erneut an einen ausgelasteten Datenträger gesendet wird.</translation>
    </message>
    <message>
      <source>The longest pause between two attempts to reach a lost target.</source>
      <translation>Die längste Pause zwischen zwei Versuchen, ein verlorenes Ziel zu erreichen.</translation>
    </message>
    <message>
      <source>The longest pause between two looks at a disk that is not ready after a reconnect.</source>
      <translation>Die längste Pause zwischen zwei Blicken auf einen Datenträger, der nach dem Wiederverbinden nicht bereit ist.</translation>
    </message>
    <message>
      <source>The most commands on their way at once for the whole session.</source>
      <translation>Die meisten Befehle, die in der ganzen Sitzung auf einmal unterwegs sind.</translation>
    </message>
    <message>
      <source>The most data of a write that we send unasked.</source>
      <translation>Die meisten Daten eines Schreibvorgangs, die ungefragt gesendet werden.</translation>
    </message>
    <message>
      <source>The most data of one sequence that the target asks for.</source>
      <translation>Die meisten Daten einer Sequenz, die das Ziel anfordert.</translation>
    </message>
    <message>
      <source>The most memory that one session uses for data on its way.</source>
      <translation>Der meiste Speicher, den eine Sitzung für Daten unterwegs nutzt.</translation>
    </message>
    <message>
      <source>The name could not be turned into a network address.</source>
      <translation>Aus dem Namen ließ sich keine Netzwerkadresse machen.</translation>
    </message>
    <message>
      <source>The name or IP address under which you open the device's settings. A port other than 3260 stands behind a colon. An iscsi:// link works, too.</source>
      <translation>Der Name oder die IP-Adresse, unter der Sie die Einstellungen des Geräts öffnen. Ein anderer Port als 3260 steht hinter einem Doppelpunkt. Ein iscsi://-Link geht auch.</translation>
    </message>
    <message>
      <source>The name or the secret was refused.</source>
      <translation>Der Name oder das Geheimnis wurde abgelehnt.</translation>
    </message>
    <message>
      <source>The name the target proves itself with</source>
      <translation>Der Name, mit dem sich das Ziel ausweist</translation>
    </message>
    <message>
      <source>The name this computer signs in with</source>
      <translation>Der Name, mit dem sich dieser Computer anmeldet</translation>
    </message>
    <message>
      <source>The network is there, the device is not: switched off, asleep, or another address.</source>
      <translation>Das Netzwerk ist da, das Gerät nicht: ausgeschaltet, im Ruhezustand, oder eine andere Adresse.</translation>
    </message>
    <message>
      <source>The other side closed it, or the network failed in the middle.</source>
      <translation>Die andere Seite hat sie geschlossen, oder das Netzwerk fiel mittendrin aus.</translation>
    </message>
    <message>
      <source>The other side took the request, and then said nothing for {seconds} seconds.</source>
      <translation>Die Gegenseite nahm die Anfrage an und sagte dann {seconds} Sekunden lang nichts.</translation>
    </message>
    <message>
      <source>The password was not given, or was wrong.</source>
      <translation>Das Passwort wurde nicht angegeben oder war falsch.</translation>
    </message>
    <message>
      <source>The pause after the second failed attempt to reach a lost target; doubled each time.</source>
      <translation>Die Pause nach dem zweiten fehlgeschlagenen Versuch, ein verlorenes Ziel zu erreichen; jedes Mal verdoppelt.</translation>
    </message>
    <message>
      <source>The port is open, and another kind of service is behind it.</source>
      <translation>Der Port ist offen, aber dahinter ist ein Dienst anderer Art.</translation>
    </message>
    <message>
      <source>The process that serves this target ended unexpectedly.</source>
      <translation>Der Prozess, der dieses Ziel bedient, endete unerwartet.</translation>
    </message>
    <message>
      <source>The process that serves this target ended; it is started again</source>
      <translation>Der Prozess, der dieses Ziel bedient, endete; er wird wieder gestartet</translation>
    </message>
    <message>
      <source>The program fusermount3 (package fuse3) is missing.</source>
      <translation>Das Programm fusermount3 (Paket fuse3) fehlt.</translation>
    </message>
    <message>
      <source>The question to open the keyring was closed.</source>
      <translation>Die Frage, ob der Schlüsselbund geöffnet werden soll, wurde geschlossen.</translation>
    </message>
    <message>
      <source>The same secret is used in both directions.</source>
      <translation>In beiden Richtungen wird dasselbe Geheimnis benutzt.</translation>
    </message>
    <message>
      <source>The same, as the target wants it</source>
      <translation>Dasselbe, wie das Ziel es will</translation>
    </message>
    <message>
      <source>The saved targets could not be read or written.</source>
      <translation>Die gespeicherten Ziele konnten nicht gelesen oder geschrieben werden.</translation>
    </message>
    <message>
      <source>The secret for {target} could not be had.</source>
      <translation>Das Geheimnis für {target} war nicht zu bekommen.</translation>
    </message>
    <message>
      <source>The secret is short: it can be guessed by who listens in</source>
      <translation>Das Geheimnis ist kurz: Wer mithört, kann es erraten</translation>
    </message>
    <message>
      <source>The secret is too short.</source>
      <translation>Das Geheimnis ist zu kurz.</translation>
    </message>
    <message>
      <source>The secret was not kept, and will be asked for again: {why}</source>
      <translation>Das Geheimnis wurde nicht aufbewahrt, es wird wieder danach gefragt: {why}</translation>
    </message>
    <message>
      <source>The secret was not kept: {why}</source>
      <translation>Das Geheimnis wurde nicht aufbewahrt: {why}</translation>
    </message>
    <message>
      <source>The service is there but does not work now, for example while it starts.</source>
      <translation>Der Dienst ist da, arbeitet aber gerade nicht, zum Beispiel während er startet.</translation>
    </message>
    <message>
      <source>The service runs without root rights.</source>
      <translation>Der Dienst läuft ohne Root-Rechte.</translation>
    </message>
    <message>
      <source>The session ended</source>
      <translation>Die Sitzung endete</translation>
    </message>
    <message>
      <source>The session that is up</source>
      <translation>Die bestehende Sitzung</translation>
    </message>
    <message>
      <source>The sign-in (CHAP) name or secret is not what the target expects for this computer.</source>
      <translation>Der Name oder das Geheimnis der Anmeldung (CHAP) ist nicht, was das Ziel für diesen Computer erwartet.</translation>
    </message>
    <message>
      <source>The standard wants at least 12 characters (96 bits); this computer's policy refuses less.</source>
      <translation>Der Standard verlangt mindestens 12 Zeichen (96 Bit); die Richtlinie dieses Computers lehnt weniger ab.</translation>
    </message>
    <message>
      <source>The system's disk program can show and open it: {device}</source>
      <translation>Die Laufwerksverwaltung des Systems kann es zeigen und öffnen: {device}</translation>
    </message>
    <message>
      <source>The system's message bus is away</source>
      <translation>Der Nachrichtenbus des Systems ist nicht da</translation>
    </message>
    <message>
      <source>The target asks for a method or an algorithm that Lundock does not offer. {detail}</source>
      <translation>Das Ziel verlangt eine Art oder ein Verfahren, das Lundock nicht anbietet. {detail}</translation>
    </message>
    <message>
      <source>The target asks for a name and a secret.</source>
      <translation>Das Ziel fragt nach einem Namen und einem Geheimnis.</translation>
    </message>
    <message>
      <source>The target asks for its secret.</source>
      <translation>Das Ziel fragt nach seinem Geheimnis.</translation>
    </message>
    <message>
      <source>The target broke the rules of iSCSI.</source>
      <translation>Das Ziel hat die Regeln von iSCSI verletzt.</translation>
    </message>
    <message>
      <source>The target cannot add this connection to the session.</source>
      <translation>Das Ziel kann diese Verbindung nicht zur Sitzung hinzunehmen.</translation>
    </message>
    <message>
      <source>The target changed by which way a disk is reached</source>
      <translation>Das Ziel hat geändert, auf welchem Weg ein Datenträger erreicht wird</translation>
    </message>
    <message>
      <source>The target could not prove who it is.</source>
      <translation>Das Ziel konnte nicht beweisen, wer es ist.</translation>
    </message>
    <message>
      <source>The target could not read or write block {lba}.</source>
      <translation>Das Ziel konnte Block {lba} nicht lesen oder schreiben.</translation>
    </message>
    <message>
      <source>The target did not understand a command</source>
      <translation>Das Ziel verstand einen Befehl nicht</translation>
    </message>
    <message>
      <source>The target does not let this computer in.</source>
      <translation>Das Ziel lässt diesen Computer nicht ein.</translation>
    </message>
    <message>
      <source>The target does not let this computer write to it.</source>
      <translation>Das Ziel lässt diesen Computer nicht darauf schreiben.</translation>
    </message>
    <message>
      <source>The target does not offer this kind of session.</source>
      <translation>Das Ziel bietet diese Art von Sitzung nicht an.</translation>
    </message>
    <message>
      <source>The target gave a command up; it was sent again</source>
      <translation>Das Ziel gab einen Befehl auf; er wurde erneut gesendet</translation>
    </message>
    <message>
      <source>The target has an error of its own.</source>
      <translation>Das Ziel hat selbst einen Fehler.</translation>
    </message>
    <message>
      <source>The target has forgotten the session.</source>
      <translation>Das Ziel hat die Sitzung vergessen.</translation>
    </message>
    <message>
      <source>The target has no disk with the address {lun}.</source>
      <translation>Das Ziel hat keinen Datenträger mit der Adresse {lun}.</translation>
    </message>
    <message>
      <source>The target has no disks, or none that this computer may use. In the device's iSCSI settings, give it a disk (LUN) and allow this computer's name; then look for disks again.</source>
      <translation>Das Ziel hat keine Datenträger, oder keine, die dieser Computer nutzen darf. Geben Sie ihm in den iSCSI-Einstellungen des Geräts einen Datenträger (LUN), und lassen Sie den Namen dieses Computers zu; suchen Sie dann erneut nach Datenträgern.</translation>
    </message>
    <message>
      <source>The target has no space left for a disk; writing failed</source>
      <translation>Das Ziel hat keinen Platz mehr für einen Datenträger; das Schreiben ist fehlgeschlagen</translation>
    </message>
    <message>
      <source>The target has run out of space.</source>
      <translation>Dem Ziel ist der Platz ausgegangen.</translation>
    </message>
    <message>
      <source>The target has too many connections.</source>
      <translation>Das Ziel hat zu viele Verbindungen.</translation>
    </message>
    <message>
      <source>The target is away, and data for the disk has not reached it.</source>
      <translation>Das Ziel ist nicht erreichbar, und Daten für den Datenträger sind noch nicht bei ihm angekommen.</translation>
    </message>
    <message>
      <source>The target is bound to an interface that this computer does not have now.</source>
      <translation>Das Ziel ist an eine Schnittstelle gebunden, die dieser Computer gerade nicht hat.</translation>
    </message>
    <message>
      <source>The target is not available at the moment.</source>
      <translation>Das Ziel ist im Augenblick nicht verfügbar.</translation>
    </message>
    <message>
      <source>The target is not offered any more</source>
      <translation>Das Ziel wird nicht mehr angeboten</translation>
    </message>
    <message>
      <source>The target is offered again</source>
      <translation>Das Ziel wird wieder angeboten</translation>
    </message>
    <message>
      <source>The target is out of resources.</source>
      <translation>Dem Ziel fehlen die Mittel.</translation>
    </message>
    <message>
      <source>The target is running out of space</source>
      <translation>Dem Ziel geht der Platz aus</translation>
    </message>
    <message>
      <source>The target keeps sending us elsewhere.</source>
      <translation>Das Ziel schickt uns immer woandershin.</translation>
    </message>
    <message>
      <source>The target misses a parameter in the login.</source>
      <translation>Dem Ziel fehlt ein Parameter in der Anmeldung.</translation>
    </message>
    <message>
      <source>The target moved to another address for good</source>
      <translation>Das Ziel ist endgültig an eine andere Adresse gezogen</translation>
    </message>
    <message>
      <source>The target must prove itself, too (mutual CHAP)</source>
      <translation>Auch das Ziel muss sich ausweisen (gegenseitiges CHAP)</translation>
    </message>
    <message>
      <source>The target refused the login with an unknown code ({status}).</source>
      <translation>Das Ziel lehnte die Anmeldung mit einem unbekannten Code ab ({status}).</translation>
    </message>
    <message>
      <source>The target refused the login without a particular reason.</source>
      <translation>Das Ziel lehnte die Anmeldung ohne besonderen Grund ab.</translation>
    </message>
    <message>
      <source>The target refused the name or the secret.</source>
      <translation>Das Ziel lehnte den Namen oder das Geheimnis ab.</translation>
    </message>
    <message>
      <source>The target says that a login message was out of place.</source>
      <translation>Das Ziel sagt, dass eine Nachricht der Anmeldung fehl am Platz war.</translation>
    </message>
    <message>
      <source>The target says that it is offline, starting or without a medium. {detail}</source>
      <translation>Das Ziel sagt, dass er offline ist, startet oder kein Medium hat. {detail}</translation>
    </message>
    <message>
      <source>The target sent a message</source>
      <translation>Das Ziel sandte eine Nachricht</translation>
    </message>
    <message>
      <source>The target sent us to another address</source>
      <translation>Das Ziel schickte uns an eine andere Adresse</translation>
    </message>
    <message>
      <source>The target speaks another version of iSCSI.</source>
      <translation>Das Ziel spricht eine andere Version von iSCSI.</translation>
    </message>
    <message>
      <source>The target threw commands away; they were sent again</source>
      <translation>Das Ziel warf Befehle weg; sie wurden erneut gesendet</translation>
    </message>
    <message>
      <source>The target was away for too long; reading and writing failed</source>
      <translation>Das Ziel war zu lange nicht erreichbar; Lesen und Schreiben sind fehlgeschlagen</translation>
    </message>
    <message>
      <source>The target {target} is already connected.</source>
      <translation>Das Ziel {target} ist bereits verbunden.</translation>
    </message>
    <message>
      <source>The target {target} is connected and cannot be forgotten.</source>
      <translation>Das Ziel {target} ist verbunden und kann nicht vergessen werden.</translation>
    </message>
    <message>
      <source>The target {target} is not connected.</source>
      <translation>Das Ziel {target} ist nicht verbunden.</translation>
    </message>
    <message>
      <source>The target {target} is not there.</source>
      <translation>Das Ziel {target} ist nicht da.</translation>
    </message>
    <message>
      <source>The target {target} was removed.</source>
      <translation>Das Ziel {target} wurde entfernt.</translation>
    </message>
    <message>
      <source>The target's answer is too long.</source>
      <translation>Die Antwort des Ziels ist zu lang.</translation>
    </message>
    <message>
      <source>The target's answer to a login parameter is not allowed by the standard. {detail}</source>
      <translation>Die Antwort des Ziels auf einen Parameter der Anmeldung ist vom Standard nicht erlaubt. {detail}</translation>
    </message>
    <message>
      <source>The target's list of allowed computers does not have this one for this target.</source>
      <translation>Die Liste zugelassener Computer hat diesen für dieses Ziel nicht.</translation>
    </message>
    <message>
      <source>The target's name</source>
      <translation>Name des Ziels</translation>
    </message>
    <message>
      <source>The target's name in it is not usable.</source>
      <translation>Der Name des Ziels darin ist nicht verwendbar.</translation>
    </message>
    <message>
      <source>The target's own secret is missing.</source>
      <translation>Das Geheimnis des Ziels fehlt.</translation>
    </message>
    <message>
      <source>The two directions need different secrets.</source>
      <translation>Die beiden Richtungen brauchen verschiedene Geheimnisse.</translation>
    </message>
    <message>
      <source>The two sides could not agree on {key}.</source>
      <translation>Die beiden Seiten konnten sich über {key} nicht einigen.</translation>
    </message>
    <message>
      <source>The two sides do not agree about the login's course.</source>
      <translation>Die beiden Seiten sind sich über den Ablauf der Anmeldung nicht einig.</translation>
    </message>
    <message>
      <source>The usual one: right when you are not sure.</source>
      <translation>Das übliche: richtig, wenn Sie nicht sicher sind.</translation>
    </message>
    <message>
      <source>The value of {argument} is not usable.</source>
      <translation>Der Wert von {argument} ist nicht verwendbar.</translation>
    </message>
    <message>
      <source>The window</source>
      <translation>Das Fenster</translation>
    </message>
    <message>
      <source>The work was stopped on request. Nothing was changed that is not shown.</source>
      <translation>Die Arbeit wurde auf Wunsch angehalten. Es wurde nichts geändert, was nicht gezeigt wird.</translation>
    </message>
    <message>
      <source>There is a password in it, and links are kept and shown: it was not used, and is forgotten.</source>
      <translation>Es steht ein Passwort darin, und Links werden aufbewahrt und gezeigt: Es wurde nicht verwendet und ist vergessen.</translation>
    </message>
    <message>
      <source>There is no device to eject.</source>
      <translation>Es gibt kein Gerät zum Auswerfen.</translation>
    </message>
    <message>
      <source>There is no file system on it.</source>
      <translation>Es ist kein Dateisystem darauf.</translation>
    </message>
    <message>
      <source>There is no medium in a drive</source>
      <translation>In einem Laufwerk ist kein Medium</translation>
    </message>
    <message>
      <source>There is no network interface “{interface}”.</source>
      <translation>Es gibt keine Netzwerkschnittstelle „{interface}“.</translation>
    </message>
    <message>
      <source>There is no session to work with.</source>
      <translation>Es gibt keine Sitzung, mit der gearbeitet werden könnte.</translation>
    </message>
    <message>
      <source>There is no such object: {what}.</source>
      <translation>Es gibt kein solches Objekt: {what}.</translation>
    </message>
    <message>
      <source>There is no way to {address}.</source>
      <translation>Es gibt keinen Weg zu {address}.</translation>
    </message>
    <message>
      <source>There was no answer in time ({what}).</source>
      <translation>Es kam nicht rechtzeitig eine Antwort ({what}).</translation>
    </message>
    <message>
      <source>These are the target's disks.</source>
      <translation>Dies sind die Datenträger des Ziels.</translation>
    </message>
    <message>
      <source>They are not a power of two.</source>
      <translation>Das ist keine Zweierpotenz.</translation>
    </message>
    <message>
      <source>They take effect when the target is connected the next time.</source>
      <translation>Sie gelten, wenn das Ziel das nächste Mal verbunden wird.</translation>
    </message>
    <message>
      <source>This computer</source>
      <translation>Dieser Computer</translation>
    </message>
    <message>
      <source>This computer cannot attach disks as “{method}”.</source>
      <translation>Dieser Computer kann Datenträger nicht als „{method}“ anschließen.</translation>
    </message>
    <message>
      <source>This computer has no keyring.</source>
      <translation>Dieser Computer hat keinen Schlüsselbund.</translation>
    </message>
    <message>
      <source>This computer has none of the algorithms.</source>
      <translation>Dieser Computer hat keinen der Algorithmen.</translation>
    </message>
    <message>
      <source>This computer is not connected to the network that the address belongs to.</source>
      <translation>Dieser Computer ist nicht mit dem Netzwerk verbunden, zu dem die Adresse gehört.</translation>
    </message>
    <message>
      <source>This computer's iSCSI name</source>
      <translation>iSCSI-Name dieses Computers</translation>
    </message>
    <message>
      <source>This computer's name</source>
      <translation>Name dieses Computers</translation>
    </message>
    <message>
      <source>This computer's policy does not allow it for your account.</source>
      <translation>Die Richtlinie dieses Computers erlaubt es für Ihr Konto nicht.</translation>
    </message>
    <message>
      <source>This computer, or this version of Lundock, cannot do it. {detail}</source>
      <translation>Dieser Computer oder diese Version von Lundock kann es nicht. {detail}</translation>
    </message>
    <message>
      <source>This is not possible here: {what}.</source>
      <translation>Das ist hier nicht möglich: {what}.</translation>
    </message>
    <message>
      <source>This kernel has no FUSE, or the container hides it.</source>
      <translation>Diesem Kernel fehlt FUSE, oder der Container verbirgt es.</translation>
    </message>
    <message>
      <source>This kernel has no loop devices, or the container hides them.</source>
      <translation>Diesem Kernel fehlen Loop-Geräte, oder der Container verbirgt sie.</translation>
    </message>
    <message>
      <source>This link cannot be used.</source>
      <translation>Dieser Link kann nicht verwendet werden.</translation>
    </message>
    <message>
      <source>This needs an administrator's password, and the question for it was closed or answered wrongly.</source>
      <translation>Dafür ist das Passwort eines Administrators nötig, und die Frage danach wurde geschlossen oder falsch beantwortet.</translation>
    </message>
    <message>
      <source>This needs an administrator's password.</source>
      <translation>Dafür ist das Passwort eines Administrators nötig.</translation>
    </message>
    <message>
      <source>This takes a moment.</source>
      <translation>Das dauert einen Moment.</translation>
    </message>
    <message>
      <source>This target</source>
      <translation>Dieses Ziel</translation>
    </message>
    <message>
      <source>Throughput</source>
      <translation>Durchsatz</translation>
    </message>
    <message>
      <source>To open its files (a new disk needs a file system first), type in a terminal:</source>
      <translation>Um seine Dateien zu öffnen (ein neuer Datenträger braucht zuerst ein Dateisystem), geben Sie in einem Terminal ein:</translation>
    </message>
    <message>
      <source>To open its files, type in a terminal:</source>
      <translation>Um seine Dateien zu öffnen, geben Sie in einem Terminal ein:</translation>
    </message>
    <message>
      <source>Too late at most</source>
      <translation>Höchstens zu spät</translation>
    </message>
    <message>
      <source>Too many requests at once.</source>
      <translation>Zu viele Anfragen auf einmal.</translation>
    </message>
    <message>
      <source>Try again</source>
      <translation>Erneut versuchen</translation>
    </message>
    <message>
      <source>Try again and give the password.</source>
      <translation>Versuchen Sie es erneut, und geben Sie das Passwort an.</translation>
    </message>
    <message>
      <source>Try again in a while.</source>
      <translation>Versuchen Sie es später erneut.</translation>
    </message>
    <message>
      <source>Try again in a while; look into the target's log.</source>
      <translation>Versuchen Sie es später erneut; sehen Sie ins Protokoll des Ziels.</translation>
    </message>
    <message>
      <source>Try the way there</source>
      <translation>Weg dorthin versuchen</translation>
    </message>
    <message>
      <source>Try to sign in</source>
      <translation>Anmeldung versuchen</translation>
    </message>
    <message>
      <source>Type them again. Some targets also want this computer's name on their list: {initiator_name}</source>
      <translation>Geben Sie sie erneut ein. Manche Ziele wollen auch den Namen dieses Computers auf ihrer Liste: {initiator_name}</translation>
    </message>
    <message>
      <source>UDisks2 does not know the device.</source>
      <translation>UDisks2 kennt das Gerät nicht.</translation>
    </message>
    <message>
      <source>UDisks2 is not running.</source>
      <translation>UDisks2 läuft nicht.</translation>
    </message>
    <message>
      <source>Unmount</source>
      <translation>Aushängen</translation>
    </message>
    <message>
      <source>Unmount and eject</source>
      <translation>Aushängen und auswerfen</translation>
    </message>
    <message>
      <source>Use it, or disconnect first.</source>
      <translation>Nutzen Sie es, oder trennen Sie es zuerst.</translation>
    </message>
    <message>
      <source>Use that device, or eject it first.</source>
      <translation>Nutzen Sie dieses Gerät, oder werfen Sie es zuerst aus.</translation>
    </message>
    <message>
      <source>Wait before sending</source>
      <translation>Warten vor dem Senden</translation>
    </message>
    <message>
      <source>Wait for a lost target</source>
      <translation>Auf ein verlorenes Ziel warten</translation>
    </message>
    <message>
      <source>Wait for answers before asking more.</source>
      <translation>Warten Sie auf Antworten, bevor Sie mehr anfragen.</translation>
    </message>
    <message>
      <source>Wait for the target's word before sending the first data of a write.</source>
      <translation>Auf das Wort des Ziels warten, bevor die ersten Daten eines Schreibvorgangs gesendet werden.</translation>
    </message>
    <message>
      <source>Wait until the target is back and eject again. Ejecting by force gives up what is not written.</source>
      <translation>Warten Sie, bis das Ziel wieder da ist, und werfen Sie dann erneut aus. Erzwungenes Auswerfen gibt auf, was nicht geschrieben ist.</translation>
    </message>
    <message>
      <source>Waiting for the list of targets</source>
      <translation>Auf die Liste der Ziele wird gewartet</translation>
    </message>
    <message>
      <source>What</source>
      <translation>Ereignis</translation>
    </message>
    <message>
      <source>What answers at {address} is not an iSCSI target.</source>
      <translation>Was unter {address} antwortet, ist kein iSCSI-Ziel.</translation>
    </message>
    <message>
      <source>What happens to this target is kept here.</source>
      <translation>Was mit diesem Ziel geschieht, wird hier aufbewahrt.</translation>
    </message>
    <message>
      <source>What is done with the disks when the target connects by itself; to mount them, Lundock must run in the tray.</source>
      <translation>Was mit den Datenträgern geschieht, wenn sich das Ziel von selbst verbindet; zum Einhängen muss Lundock im Infobereich laufen.</translation>
    </message>
    <message>
      <source>What is shown</source>
      <translation>Was gezeigt wird</translation>
    </message>
    <message>
      <source>What programs have not written yet is lost, they get errors, and the file system may have to be repaired. Only do this when there is no other way.</source>
      <translation>Was Programme noch nicht geschrieben haben, geht verloren; sie bekommen Fehler, und das Dateisystem muss vielleicht repariert werden. Tun Sie das nur, wenn es keinen anderen Weg gibt.</translation>
    </message>
    <message>
      <source>What the target keeps to when commands are aborted; ResponseFence is asked for, and RFC3720 holds where it cannot. FastAbort comes in a later version.</source>
      <translation>Woran sich das Ziel hält, wenn Befehle abgebrochen werden; verlangt wird ResponseFence, und RFC3720 gilt, wo es das nicht kann. FastAbort kommt in einer späteren Version.</translation>
    </message>
    <message>
      <source>What these devices offer is looked at from time to time; new targets appear in your list.</source>
      <translation>Was diese Geräte anbieten, wird von Zeit zu Zeit abgefragt; neue Ziele erscheinen in Ihrer Liste.</translation>
    </message>
    <message>
      <source>What was looked at</source>
      <translation>Was geprüft wurde</translation>
    </message>
    <message>
      <source>What was written last is kept, and is written when the target is back; {patience}.</source>
      <translation>Was zuletzt geschrieben wurde, ist aufbewahrt und wird geschrieben, wenn das Ziel wieder da ist; {patience}.</translation>
    </message>
    <message>
      <source>What you call it; empty is what it calls itself.</source>
      <translation>Wie Sie es nennen; leer: wie es sich selbst nennt.</translation>
    </message>
    <message>
      <source>When</source>
      <translation>Zeit</translation>
    </message>
    <message>
      <source>When commands are aborted</source>
      <translation>Wenn Befehle abgebrochen werden</translation>
    </message>
    <message>
      <source>When it connects by itself</source>
      <translation>Wenn es sich von selbst verbindet</translation>
    </message>
    <message>
      <source>When the target is away</source>
      <translation>Wenn das Ziel nicht erreichbar ist</translation>
    </message>
    <message>
      <source>When the target is connected.</source>
      <translation>Wann das Ziel verbunden wird.</translation>
    </message>
    <message>
      <source>Where is the storage device?</source>
      <translation>Wo ist das Speichergerät?</translation>
    </message>
    <message>
      <source>Where it is reached, the preferred one first.</source>
      <translation>Wo es erreicht wird, die bevorzugte Adresse zuerst.</translation>
    </message>
    <message>
      <source>Whole login</source>
      <translation>Ganze Anmeldung</translation>
    </message>
    <message>
      <source>Windows and macOS can read it, too. It knows no owners and rights.</source>
      <translation>Auch Windows und macOS können es lesen. Es kennt keine Eigentümer und Rechte.</translation>
    </message>
    <message>
      <source>Working</source>
      <translation>In Arbeit</translation>
    </message>
    <message>
      <source>Write out what is pending</source>
      <translation>Ausstehendes schreiben</translation>
    </message>
    <message>
      <source>Writes wait for the target's word before sending data</source>
      <translation>Schreibvorgänge warten auf das Wort des Ziels, bevor Daten gesendet werden</translation>
    </message>
    <message>
      <source>Writing out what is pending</source>
      <translation>Ausstehendes wird geschrieben</translation>
    </message>
    <message>
      <source>Written</source>
      <translation>Geschrieben</translation>
    </message>
    <message>
      <source>You are signed in, but there is no disk to use yet.</source>
      <translation>Sie sind angemeldet, aber es gibt noch keinen Datenträger zu nutzen.</translation>
    </message>
    <message>
      <source>You asked that the target proves itself (mutual CHAP); its answer was wrong or missing. It may be another device.</source>
      <translation>Sie haben verlangt, dass sich das Ziel ausweist (gegenseitiges CHAP); seine Antwort war falsch oder fehlte. Es kann ein anderes Gerät sein.</translation>
    </message>
    <message>
      <source>You may not do this.</source>
      <translation>Sie dürfen das nicht.</translation>
    </message>
    <message>
      <source>You may unplug it.</source>
      <translation>Sie können ihn entfernen.</translation>
    </message>
    <message>
      <source>Your disks stay connected and can be used. Open Lundock again to eject them. This is said only once.</source>
      <translation>Ihre Datenträger bleiben verbunden und können genutzt werden. Öffnen Sie Lundock wieder, um sie auszuwerfen. Das wird nur einmal gesagt.</translation>
    </message>
    <message>
      <source>Your disks stay connected. Quit from its menu.</source>
      <translation>Ihre Datenträger bleiben verbunden. Beenden können Sie im Menü des Symbols.</translation>
    </message>
    <message>
      <source>`{command} --help` shows how it is written.</source>
      <translation>`{command} --help` zeigt, wie er geschrieben wird.</translation>
    </message>
    <message>
      <source>a block device that any kernel with FUSE can have</source>
      <translation>ein Blockgerät für jeden Kernel mit FUSE</translation>
    </message>
    <message>
      <source>a file and no block device, because the service runs without root rights</source>
      <translation>eine Datei und kein Blockgerät, weil der Dienst ohne Root-Rechte läuft</translation>
    </message>
    <message>
      <source>a file, for programs that work on disk images</source>
      <translation>eine Datei, für Programme, die mit Datenträgerabbildern arbeiten</translation>
    </message>
    <message>
      <source>a moment</source>
      <translation>gerade eben</translation>
    </message>
    <message>
      <source>a part of something larger ({kind})</source>
      <translation>ein Teil von etwas Größerem ({kind})</translation>
    </message>
    <message>
      <source>a sign of life</source>
      <translation>ein Lebenszeichen</translation>
    </message>
    <message>
      <source>algorithm {}</source>
      <translation>Verfahren {}</translation>
    </message>
    <message>
      <source>always</source>
      <translation>immer</translation>
    </message>
    <message numerus="yes">
      <source>and %n more</source>
      <translation>
        <numerusform>und %n weiteres</numerusform>
        <numerusform>und %n weitere</numerusform>
      </translation>
    </message>
    <message>
      <source>any</source>
      <translation>beliebig</translation>
    </message>
    <message>
      <source>as {method}</source>
      <translation>als {method}</translation>
    </message>
    <message>
      <source>at {portal}</source>
      <translation>an {portal}</translation>
    </message>
    <message>
      <source>attach and mount them</source>
      <translation>anschließen und einhängen</translation>
    </message>
    <message>
      <source>attach them</source>
      <translation>anschließen</translation>
    </message>
    <message>
      <source>both sides prove themselves</source>
      <translation>beide Seiten weisen sich aus</translation>
    </message>
    <message>
      <source>by hand</source>
      <translation>von Hand</translation>
    </message>
    <message>
      <source>by way of {}</source>
      <translation>über {}</translation>
    </message>
    <message>
      <source>calls itself “{}”</source>
      <translation>nennt sich „{}“</translation>
    </message>
    <message>
      <source>commands a second</source>
      <translation>Befehle je Sekunde</translation>
    </message>
    <message>
      <source>commands under way</source>
      <translation>Befehle unterwegs</translation>
    </message>
    <message>
      <source>connected</source>
      <translation>verbunden</translation>
    </message>
    <message>
      <source>connecting</source>
      <translation>wird verbunden</translation>
    </message>
    <message>
      <source>controller</source>
      <translation>Steuereinheit</translation>
    </message>
    <message>
      <source>disconnecting</source>
      <translation>wird getrennt</translation>
    </message>
    <message>
      <source>disk</source>
      <translation>Datenträger</translation>
    </message>
    <message>
      <source>does not answer: {portals}</source>
      <translation>antwortet nicht: {portals}</translation>
    </message>
    <message>
      <source>doubtful</source>
      <translation>zweifelhaft</translation>
    </message>
    <message>
      <source>enclosure</source>
      <translation>Gehäuse</translation>
    </message>
    <message>
      <source>encrypted</source>
      <translation>verschlüsselt</translation>
    </message>
    <message>
      <source>every 5 minutes</source>
      <translation>alle 5 Minuten</translation>
    </message>
    <message>
      <source>every day</source>
      <translation>jeden Tag</translation>
    </message>
    <message>
      <source>every hour</source>
      <translation>jede Stunde</translation>
    </message>
    <message>
      <source>every week</source>
      <translation>jede Woche</translation>
    </message>
    <message>
      <source>every {span}</source>
      <translation>alle {span}</translation>
    </message>
    <message>
      <source>failed</source>
      <translation>fehlgeschlagen</translation>
    </message>
    <message>
      <source>failed {when}: {why}</source>
      <translation>{when} fehlgeschlagen: {why}</translation>
    </message>
    <message>
      <source>for ever</source>
      <translation>für immer</translation>
    </message>
    <message>
      <source>formatting {device}</source>
      <translation>{device} formatieren</translation>
    </message>
    <message>
      <source>from {}</source>
      <translation>von {}</translation>
    </message>
    <message>
      <source>giving a command up</source>
      <translation>einen Befehl aufgeben</translation>
    </message>
    <message>
      <source>good</source>
      <translation>gut</translation>
    </message>
    <message>
      <source>group</source>
      <translation>Gruppe</translation>
    </message>
    <message>
      <source>iSCSI name</source>
      <translation>iSCSI-Name</translation>
    </message>
    <message>
      <source>just now</source>
      <translation>gerade eben</translation>
    </message>
    <message>
      <source>leave them alone</source>
      <translation>in Ruhe lassen</translation>
    </message>
    <message>
      <source>left out</source>
      <translation>ausgelassen</translation>
    </message>
    <message>
      <source>logging out</source>
      <translation>abmelden</translation>
    </message>
    <message>
      <source>looking now …</source>
      <translation>wird abgefragt …</translation>
    </message>
    <message>
      <source>lost</source>
      <translation>verloren</translation>
    </message>
    <message>
      <source>media changer</source>
      <translation>Medienwechsler</translation>
    </message>
    <message>
      <source>method {}</source>
      <translation>Art {}</translation>
    </message>
    <message>
      <source>mounted</source>
      <translation>eingehängt</translation>
    </message>
    <message>
      <source>mounted on {name}</source>
      <translation>eingehängt unter {name}</translation>
    </message>
    <message numerus="yes">
      <source>mounted, and %n more</source>
      <translation>
        <numerusform>eingehängt, und %n weiterer</numerusform>
        <numerusform>eingehängt, und %n weitere</numerusform>
      </translation>
    </message>
    <message>
      <source>mounting</source>
      <translation>einhängen</translation>
    </message>
    <message>
      <source>mounting {device}</source>
      <translation>{device} einhängen</translation>
    </message>
    <message>
      <source>name and secret</source>
      <translation>Name und Geheimnis</translation>
    </message>
    <message>
      <source>nas.local, 192.0.2.5 or [2001:db8::5]:3260</source>
      <translation>nas.local, 192.0.2.5 oder [2001:db8::5]:3260</translation>
    </message>
    <message>
      <source>never</source>
      <translation>nie</translation>
    </message>
    <message>
      <source>no</source>
      <translation>nein</translation>
    </message>
    <message>
      <source>no cable, or no network</source>
      <translation>kein Kabel, oder kein Netzwerk</translation>
    </message>
    <message>
      <source>no sign-in</source>
      <translation>keine Anmeldung</translation>
    </message>
    <message>
      <source>none</source>
      <translation>keine</translation>
    </message>
    <message>
      <source>not looked at yet</source>
      <translation>noch nicht abgefragt</translation>
    </message>
    <message>
      <source>not ready</source>
      <translation>nicht bereit</translation>
    </message>
    <message>
      <source>now</source>
      <translation>jetzt</translation>
    </message>
    <message>
      <source>now {}</source>
      <translation>jetzt {}</translation>
    </message>
    <message>
      <source>only when I ask for it</source>
      <translation>nur auf Verlangen</translation>
    </message>
    <message>
      <source>optical drive</source>
      <translation>optisches Laufwerk</translation>
    </message>
    <message>
      <source>packets of up to {} bytes</source>
      <translation>Pakete bis zu {} Byte</translation>
    </message>
    <message>
      <source>possible: {}</source>
      <translation>möglich: {}</translation>
    </message>
    <message>
      <source>read</source>
      <translation>gelesen</translation>
    </message>
    <message>
      <source>read only</source>
      <translation>schreibgeschützt</translation>
    </message>
    <message>
      <source>read-only</source>
      <translation>schreibgeschützt</translation>
    </message>
    <message>
      <source>reading or writing</source>
      <translation>lesen oder schreiben</translation>
    </message>
    <message>
      <source>reads</source>
      <translation>Lesen</translation>
    </message>
    <message>
      <source>reads, 99 %</source>
      <translation>Lesen, 99 %</translation>
    </message>
    <message>
      <source>reads, median</source>
      <translation>Lesen, Median</translation>
    </message>
    <message>
      <source>ready</source>
      <translation>bereit</translation>
    </message>
    <message>
      <source>reconnecting</source>
      <translation>verbindet neu</translation>
    </message>
    <message>
      <source>reconnections: {}</source>
      <translation>Neuverbindungen: {}</translation>
    </message>
    <message>
      <source>see below</source>
      <translation>siehe unten</translation>
    </message>
    <message>
      <source>signing in</source>
      <translation>anmelden</translation>
    </message>
    <message>
      <source>something else</source>
      <translation>etwas anderes</translation>
    </message>
    <message>
      <source>starting at log-in</source>
      <translation>Start beim Anmelden</translation>
    </message>
    <message>
      <source>swap space {name}</source>
      <translation>Auslagerungsspeicher {name}</translation>
    </message>
    <message>
      <source>switched off</source>
      <translation>abgeschaltet</translation>
    </message>
    <message>
      <source>tape drive</source>
      <translation>Bandlaufwerk</translation>
    </message>
    <message>
      <source>the best way that this computer has</source>
      <translation>der beste Weg, den dieser Computer hat</translation>
    </message>
    <message>
      <source>the list of targets</source>
      <translation>die Liste der Ziele</translation>
    </message>
    <message>
      <source>the secret</source>
      <translation>das Geheimnis</translation>
    </message>
    <message>
      <source>the system's choice</source>
      <translation>die Wahl des Systems</translation>
    </message>
    <message>
      <source>the target's status {}</source>
      <translation>Status des Ziels {}</translation>
    </message>
    <message>
      <source>then another connection</source>
      <translation>dann eine andere Verbindung</translation>
    </message>
    <message>
      <source>there and back in {}</source>
      <translation>hin und zurück in {}</translation>
    </message>
    <message>
      <source>thin</source>
      <translation>thin</translation>
    </message>
    <message>
      <source>under way</source>
      <translation>unterwegs</translation>
    </message>
    <message>
      <source>unknown</source>
      <translation>unbekannt</translation>
    </message>
    <message>
      <source>used by {name}</source>
      <translation>genutzt von {name}</translation>
    </message>
    <message>
      <source>using {device}</source>
      <translation>{device} benutzen</translation>
    </message>
    <message>
      <source>way to sign in: {}</source>
      <translation>Anmeldeverfahren: {}</translation>
    </message>
    <message>
      <source>when I log in</source>
      <translation>wenn ich mich anmelde</translation>
    </message>
    <message>
      <source>when the computer starts</source>
      <translation>wenn der Computer startet</translation>
    </message>
    <message>
      <source>when the target can</source>
      <translation>wenn das Ziel kann</translation>
    </message>
    <message>
      <source>when the target wants them</source>
      <translation>wenn das Ziel sie will</translation>
    </message>
    <message>
      <source>writes</source>
      <translation>Schreiben</translation>
    </message>
    <message>
      <source>writes, 99 %</source>
      <translation>Schreiben, 99 %</translation>
    </message>
    <message>
      <source>writes, median</source>
      <translation>Schreiben, Median</translation>
    </message>
    <message>
      <source>written</source>
      <translation>geschrieben</translation>
    </message>
    <message>
      <source>yes</source>
      <translation>ja</translation>
    </message>
    <message>
      <source>{address} at {number}</source>
      <translation>{address} unter {number}</translation>
    </message>
    <message>
      <source>{address} did not answer within {seconds} seconds.</source>
      <translation>{address} antwortete nicht innerhalb von {seconds} Sekunden.</translation>
    </message>
    <message>
      <source>{address} does not answer.</source>
      <translation>{address} antwortet nicht.</translation>
    </message>
    <message>
      <source>{address} offers no target to this computer.</source>
      <translation>{address} bietet diesem Computer kein Ziel an.</translation>
    </message>
    <message>
      <source>{address} refuses connections on port {port}.</source>
      <translation>{address} lehnt Verbindungen an Port {port} ab.</translation>
    </message>
    <message>
      <source>{address} · not offered any more</source>
      <translation>{address} · nicht mehr angeboten</translation>
    </message>
    <message>
      <source>{detail}</source>
      <translation>{detail}</translation>
    </message>
    <message>
      <source>{lun} is not a disk.</source>
      <translation>{lun} ist kein Datenträger.</translation>
    </message>
    <message>
      <source>{method} (not on this computer)</source>
      <translation>{method} (nicht auf diesem Computer)</translation>
    </message>
    <message>
      <source>{name} (process {pid})</source>
      <translation>{name} (Prozess {pid})</translation>
    </message>
    <message>
      <source>{number} min</source>
      <comment>minutes, short</comment>
      <translation>{number} min</translation>
    </message>
    <message>
      <source>{number} s</source>
      <comment>seconds</comment>
      <translation>{number} s</translation>
    </message>
    <message>
      <source>{program} has it open</source>
      <translation>{program} hat ihn geöffnet</translation>
    </message>
    <message>
      <source>{reason}</source>
      <translation>{reason}</translation>
    </message>
    <message>
      <source>{size}, {device}. It is empty: a file system makes it usable.</source>
      <translation>{size}, {device}. Er ist leer: Ein Dateisystem macht ihn nutzbar.</translation>
    </message>
    <message>
      <source>{size}, {device}. This can take a while, and cannot be stopped.</source>
      <translation>{size}, {device}. Das kann dauern, und es lässt sich nicht anhalten.</translation>
    </message>
    <message>
      <source>{what} is already there.</source>
      <translation>{what} ist bereits da.</translation>
    </message>
    <message>
      <source>{when}: {offers}</source>
      <translation>{when}: {offers}</translation>
    </message>
    <message>
      <source>{} more like it just before</source>
      <translation>{} gleiche kurz davor</translation>
    </message>
    <message>
      <source>“{address}” is not an address.</source>
      <translation>„{address}“ ist keine Adresse.</translation>
    </message>
    <message>
      <source>“{disk}” is disconnected; everything is written.</source>
      <translation>„{disk}“ ist getrennt; alles ist geschrieben.</translation>
    </message>
    <message>
      <source>“{disk}” is in use</source>
      <translation>„{disk}“ ist in Benutzung</translation>
    </message>
    <message>
      <source>“{disk}” was ejected. It is safe to unplug.</source>
      <translation>„{disk}“ wurde ausgeworfen. Er kann sicher entfernt werden.</translation>
    </message>
    <message>
      <source>“{disk}” was ejected; everything is written.</source>
      <translation>„{disk}“ wurde ausgeworfen; alles ist geschrieben.</translation>
    </message>
    <message>
      <source>“{subject}” asks for a name and a secret: CHAP in the device's iSCSI settings.</source>
      <translation>„{subject}“ fragt nach einem Namen und einem Geheimnis: CHAP in den iSCSI-Einstellungen des Geräts.</translation>
    </message>
    <message>
      <source>“{target}” is back</source>
      <translation>„{target}“ ist wieder da</translation>
    </message>
    <message>
      <source>“{target}” is disconnected.</source>
      <translation>„{target}“ ist getrennt.</translation>
    </message>
    <message>
      <source>“{target}” needs its secret</source>
      <translation>„{target}“ braucht sein Geheimnis</translation>
    </message>
    <message>
      <source>“{target}” shows another disk than before</source>
      <translation>„{target}“ zeigt einen anderen Datenträger als zuvor</translation>
    </message>
    <message>
      <source>“{target}” was disconnected</source>
      <translation>„{target}“ wurde getrennt</translation>
    </message>
  </context>
</TS>