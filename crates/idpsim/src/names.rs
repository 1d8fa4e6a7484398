//! The names people have: our own short lists, kept together by where they are at home so that a
//! given name and a family name go together. Many carry letters beyond ASCII, because real
//! directories do; [`plain`] says how such a name is written in an address.

/// Given and family names that go together.
pub(crate) struct Names {
    given: &'static str,
    family: &'static str,
}

impl Names {
    pub(crate) fn given(&self) -> Vec<&'static str> {
        self.given.split_whitespace().collect()
    }

    pub(crate) fn family(&self) -> Vec<&'static str> {
        self.family.split_whitespace().collect()
    }
}

/// A name as it is written in an address: lower case, ASCII letters and hyphens only.
pub(crate) fn plain(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '-' => written.push(letter),
            'á' | 'à' | 'â' | 'ã' | 'å' | 'ă' | 'ą' => written.push('a'),
            'ä' | 'æ' => written.push_str("ae"),
            'ç' | 'ć' | 'č' => written.push('c'),
            'đ' | 'ð' => written.push('d'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => written.push('e'),
            'ğ' => written.push('g'),
            'í' | 'ì' | 'î' | 'ï' | 'ı' => written.push('i'),
            'ł' => written.push('l'),
            'ñ' | 'ń' | 'ň' => written.push('n'),
            'ó' | 'ò' | 'ô' | 'õ' | 'ő' | 'ơ' => written.push('o'),
            'ö' | 'ø' => written.push_str("oe"),
            'ř' => written.push('r'),
            'ś' | 'š' | 'ş' | 'ș' => written.push('s'),
            'ß' => written.push_str("ss"),
            'ț' => written.push('t'),
            'ú' | 'ù' | 'û' | 'ů' | 'ư' => written.push('u'),
            'ü' => written.push_str("ue"),
            'ý' => written.push('y'),
            'ź' | 'ż' | 'ž' => written.push('z'),
            _ => {}
        }
    }
    written
}

/// Every list there is.
pub(crate) static HOMES: &[Names] = &[
    // British Isles and North America
    Names {
        given: "Amelia Owen Harriet Callum Georgia Marcus Tessa Desmond Fiona Gareth Hazel Jerome \
            Keisha Lorna Malcolm Naomi Perry Rosalind Sterling Wendy Tyrone Imogen Dylan \
            Bethany",
        family: "Ashdown Brackley Calloway Dunmore Everhart Fairbanks Gallagher Hargreaves Ingram \
            Jessop Kirkwood Lockhart Merriweather Northcott O'Rourke Pemberton Quigley \
            Radcliffe Stanhope Thackeray Underhill Wainwright Yardley MacAllister",
    },
    // German
    Names {
        given: "Annika Bastian Claudia Dirk Elke Florian Greta Henning Ilse Jürgen Katrin Lennart \
            Marlene Nils Ottilie Rüdiger Sabine Torsten Ulrike Wiebke Käthe Björn",
        family: "Albrecht Böttcher Clausen Dörfler Eichhorn Feldmann Grünwald Hoffstedt Jäger \
            Kleinschmidt Lindemann Möllering Nussbaum Oppermann Pfeiffer Rosenkranz Schäfer \
            Tiedemann Vogelsang Weißmüller Ziegenhagen Groß",
    },
    // French
    Names {
        given: "Aurélie Benoît Camille Didier Élodie Fabrice Gaëlle Hugo Inès Jérôme Karine Loïc \
            Maëlys Noémie Olivier Pascale Régis Solène Thibault Véronique Yannick Zoé",
        family: "Archambault Beaufort Chastain Delacroix Espinasse Faucheux Guérin Haillet Jolivet \
            Lacombe Lefèvre Montclair Nadeau Ormesson Pelletier Quesnel Renaudin Saint-Clair \
            Tessier Vasseur Aubé D'Arcourt",
    },
    // Spanish and Latin American
    Names {
        given: "Adriana Begoña Cristóbal Dolores Emilio Fátima Gonzalo Hernán Itziar Joaquín \
            Leonor Matías Nieves Octavio Paloma Raúl Soledad Tomás Valentina Ximena Yolanda \
            Íñigo",
        family: "Alarcón Benavides Castañeda Domínguez Echeverría Figueroa Galindo Hinojosa Ibáñez \
            Jaramillo Lozano Montoya Núñez Olivares Peñaranda Quintero Revilla Saldívar \
            Treviño Urrutia Villaseñor Zambrano",
    },
    // Portuguese and Brazilian
    Names {
        given: "Afonso Beatriz Caetano Débora Estevão Flávia Gustavo Helena Inácio Jussara Leandro \
            Mafalda Nuno Otávio Priscila Rogério Simão Teresa Vasco Conceição",
        family: "Almeida Barbosa Cardoso Drummond Esteves Fonseca Guimarães Lourenço Magalhães \
            Nogueira Pacheco Queirós Rezende Salgueiro Taveira Valadão Xavier Assunção Brandão \
            Câmara",
    },
    // Italian
    Names {
        given: "Alessio Benedetta Corrado Donatella Ettore Fiorella Gianluca Ilaria Lorenzo \
            Mirella Nicolò Ornella Pierpaolo Rosanna Saverio Tiziana Umberto Viola",
        family: "Agnelotti Bellandi Carbonara Dellorto Esposto Ferraguti Gambardella Lanzetta \
            Marchesini Nardelli Orsini Pellegrino Quaranta Ravasio Santangelo Torricelli \
            Vannucci Zanardi",
    },
    // Nordic
    Names {
        given: "Astrid Bjarne Dagny Eirik Freja Gunnar Hedda Ingvar Jørgen Kaisa Linnéa Mikkel \
            Njål Oskari Ragnhild Sören Tuula Vilhelm Åsa Øyvind",
        family: "Aaltonen Bergström Dahlgren Ekelund Fjeldstad Grönlund Håkansson Isaksen \
            Jónsdóttir Kjærgaard Lindqvist Mäkelä Nyström Østergaard Pihlaja Rantanen Sjöberg \
            Thorvaldsen Virtaniemi Ødegaard",
    },
    // Polish, Czech, Balkan
    Names {
        given: "Agnieszka Bartosz Čeněk Danuta Emilija Grzegorz Halina Ivana Jaromír Katarzyna \
            Łukasz Małgorzata Nebojša Ondřej Petra Radosław Snežana Tomasz Vesna Zdeněk",
        family: "Adamczyk Błaszczak Černý Dąbrowski Filipović Gołębiowski Horák Jovanović \
            Krzyżanowski Lewandowicz Marković Novotný Obradović Pospíšil Růžička Sobczak Šimek \
            Tkaczyk Wójcik Žižka",
    },
    // Turkish
    Names {
        given: "Ayşegül Barış Ceyda Doğan Elif Ferhat Gülşen Hakan İpek Kerem Leyla Murat Nurcan \
            Onur Pınar Selin Tolga Yasemin",
        family: "Akbulut Bozkurt Çelikkol Demirtaş Erdoğmuş Gündüz Karaca Koçyiğit Özkan Sarıkaya \
            Şentürk Taşkıran Uysal Yıldırım Yalçın Toprak",
    },
    // Arabic and Persian
    Names {
        given: "Amira Bilal Dalia Farid Ghada Hassan Iman Jamil Khadija Laleh Mahmoud Nasrin Omid \
            Parisa Qasim Rania Samir Tahira Youssef Zainab",
        family: "Abboud Bagheri Darwish El-Amin Farahani Ghanem Haddadi Ismaili Jaziri Kazemi \
            Mansouri Najjar Othmani Qureshi Rostami Sabbagh Tabrizi Wahbi Yazdani Zaghloul",
    },
    // South Asia
    Names {
        given: "Aditi Bhaskar Chitra Deepak Esha Farhan Gauri Harish Ishaan Jyoti Kavitha Lakshman \
            Meenakshi Nikhil Padma Rohan Sunita Tanvi Uday Varsha Yash Zoya",
        family: "Acharya Bhattacharjee Chaudhari Deshpande Ganguly Iyengar Jayasuriya Kulkarni \
            Lokhande Mukhopadhyay Nambiar Oberoi Pillai Raghunathan Srinivasan Thakkar \
            Upadhyay Venkatesan Wickramasinghe Yadavalli Rahmani Hossain",
    },
    // East Asia
    Names {
        given: "Akiko Bo-ra Chihiro Daisuke Eun-ji Fumiko Guangming Haruto Hye-jin Jiahui Kenji \
            Lihua Min-jun Naoko Qiang Ryota Seo-yeon Takumi Wenling Xiaoyu Yuki Zhiyuan",
        family: "Aoyama Bang Cheung Deng Endo Fukushima Gao Hashimoto Inoue Jeong Kawaguchi Liang \
            Matsuoka Nakagawa Ouyang Pyo Qiu Ryu Shimizu Tsukamoto Wakabayashi Xu Yoon Zhao",
    },
    // South-East Asia and the Pacific
    Names {
        given: "Anh Bayani Chanthira Dewi Ernesto Fetu Hương Intan Kanya Leilani Made Ngaire Putri \
            Rangi Somchai Tane Thuy Wirawan",
        family: "Anggraini Bautista Chaiyasit Dimaculangan Fonoti Hidayat Kaimana Lim Magsaysay \
            Ngata Pangilinan Phan Rattanakul Santoso Tuilagi Vuong Wijaya Ruakere",
    },
    // West, East and southern Africa
    Names {
        given: "Abena Babajide Chiamaka Dumisani Efua Folasade Gathoni Habtamu Ifeanyi Juma \
            Kwabena Lerato Makena Nandi Oluwaseun Phumzile Rudo Sipho Thandiwe Uchenna Wanjiru \
            Yaw",
        family: "Adeyemi Boateng Chikwanha Dlamini Ezeigbo Fashola Gebremariam Hlongwane Igwe Jumbe \
            Kamau Langa Mutasa Nwachukwu Okonkwo Quartey Rukundo Sithole Tesfaye Umeh Wachira \
            Zuma-Ngcobo",
    },
    // Hebrew, Greek, Romanian, Hungarian
    Names {
        given: "Avigail Calliope Dorin Eleni Gábor Ilinca Katalin Lior Mihaela Noam Orsolya Petros \
            Răzvan Shira Tamar Vasilis Yael Zsófia",
        family: "Antonescu Barzilai Cosmatos Dragomirescu Erdélyi Fodor Galanis Hadjidakis Ionescu \
            Kertész Lungu Mizrahi Nagy Papadakis Rosenthal Szőke Theodorou Țurcanu Vizcarel \
            Zilberman",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_written_in_an_address() {
        for name in HOMES.iter().flat_map(|home| [home.given(), home.family()].concat()) {
            let written = plain(name);
            let letters = name.chars().filter(|c| c.is_alphabetic()).count();
            assert!(written.len() >= letters, "`{name}` lost a letter: `{written}`");
            assert!(written.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "`{written}`");
        }
    }

    #[test]
    fn no_list_says_a_name_twice() {
        for home in HOMES {
            for list in [home.given(), home.family()] {
                let once: std::collections::BTreeSet<_> = list.iter().collect();
                assert_eq!(once.len(), list.len(), "{list:?}");
                assert!(list.len() >= 16);
            }
        }
    }

    #[test]
    fn letters_beyond_ascii_are_written_out() {
        for (name, written) in [
            ("Weißmüller", "weissmueller"),
            ("İpek", "ipek"),
            ("O'Rourke", "orourke"),
            ("Øyvind", "oeyvind"),
            ("Seo-yeon", "seo-yeon"),
        ] {
            assert_eq!(plain(name), written);
        }
    }
}
