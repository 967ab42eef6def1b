//! People whom the workspace has not informed will soon be deleted. One person is spoken of as one.

/// Subject and text; `first` is when the earliest deadline ends.
pub(super) fn french(people: u64, first: &str) -> (String, String) {
    if people == 1 {
        let text = format!(
            "Bonjour,\n\nUne personne que vous avez importée ou ajoutée n’a pas encore été informée que vous détenez ses \
             données. L’article 14 du RGPD demande de le lui dire dans le mois. Sans cela, nous la supprimerons de vos \
             prospects à partir du {first}.\n\nPour la garder, écrivez-lui d’ici là : le premier message d’une campagne \
             l’informe. Si vous n’avez pas l’intention de lui écrire, supprimez-la dès maintenant ou laissez-nous le faire."
        );
        return ("Une personne n’a pas encore été informée".to_owned(), text);
    }
    let text = format!(
        "Bonjour,\n\n{people} personnes que vous avez importées ou ajoutées n’ont pas encore été informées que vous détenez \
         leurs données. L’article 14 du RGPD demande de le leur dire dans le mois. Sans cela, nous les supprimerons de vos \
         prospects à partir du {first}, chacune à la fin de son délai.\n\nPour les garder, écrivez-leur d’ici là : le premier \
         message d’une campagne les informe. Si vous n’avez pas l’intention de leur écrire, supprimez-les dès maintenant ou \
         laissez-nous le faire."
    );
    (format!("{people} personnes n’ont pas encore été informées"), text)
}

/// Subject and text; `first` is when the earliest deadline ends.
pub(super) fn english(people: u64, first: &str) -> (String, String) {
    if people == 1 {
        let text = format!(
            "Hello,\n\nOne person you imported or added has not yet been told that you hold their data. Article 14 GDPR asks \
             you to tell them within a month. Otherwise, we will delete them from your prospects from {first}.\n\nTo keep \
             them, write to them before then: the first message of a campaign informs them. If you do not intend to write to \
             them, delete them now, or leave it to us."
        );
        return ("One person has not yet been informed".to_owned(), text);
    }
    let text = format!(
        "Hello,\n\n{people} people you imported or added have not yet been told that you hold their data. Article 14 GDPR \
         asks you to tell them within a month. Otherwise, we will delete them from your prospects from {first}, each when \
         their own time is over.\n\nTo keep them, write to them before then: the first message of a campaign informs them. \
         If you do not intend to write to them, delete them now, or leave it to us."
    );
    (format!("{people} people have not yet been informed"), text)
}
