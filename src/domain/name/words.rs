//! The word lists that decide whether a name is greeted, in Portuguese, Spanish and English.
//!
//! A listed word without an accent matches every spelling of it. A listed word with an accent
//! matches only itself and, in `FIRST_NAMES`, its spelling without accents. A list other than
//! `FIRST_NAMES` must never have a common first name or surname.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A list of words, in lower case, separated by blanks.
pub(super) struct Words(&'static str);

impl Words {
    /// Whether a word in lower case is in the list.
    pub(super) fn have(&self, word: &str) -> bool {
        let plain = plain(word);
        self.all().any(|known| known == word || known == plain)
    }

    /// Whether the list has a word in lower case with exactly its accents.
    pub(super) fn have_exactly(&self, word: &str) -> bool {
        self.all().any(|known| known == word)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.0.split_ascii_whitespace()
    }
}

/// The names that are greeted, one per line, after a few lines that begin with `#`.
pub(super) struct Names(&'static str);

/// Only a name on this list is greeted, whatever other words the full name has.
pub(super) const FIRST_NAMES: Names = Names(include_str!("../../../config/names.txt"));

impl Names {
    /// Whether a word in lower case is a name: with its own accents, or without any, as many
    /// systems write it.
    ///
    /// A different accent makes a different word: `Ana` is a name, `Anã` means a dwarf. The search
    /// is binary, because the list is sorted without regard to accents.
    pub(super) fn have(&self, word: &str) -> bool {
        let key = plain(word);
        let mut rest = self.0;
        while !rest.is_empty() {
            let (before, _) = rest.split_at(rest.floor_char_boundary(rest.len() / 2));
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let (before, after) = rest.split_at(line_start);
            let (known, after) = after.split_once('\n').unwrap_or((after, ""));
            let known_key = plain(known);
            if known == word || word == key && known_key == key {
                return true;
            }
            let is_later = (known_key.as_str(), known) < (key.as_str(), word);
            rest = if is_later { after } else { before };
        }
        false
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.0.lines().filter(|line| !line.starts_with('#'))
    }
}

/// A word without its accents.
fn plain(word: &str) -> String {
    word.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Titles before a name, which the greeting skips: `Dr Ana` is Ana.
pub(super) const TITLES: Words = Words(
    "dr dra drs doutor doutora doctor doctora sr sra srs sras srta senhor senhora senhorita senor senora senorita dom \
     don dona doña seu sinha prof profa profe professor professora profesor profesora pr pra pe pastor pastora padre \
     frei reverendo reverenda rev bispo bp mr mrs ms mx miss mister sir lady madam madame eng enga engenheiro \
     engenheira ing ingeniero ingeniera lic licenciado licenciada adv advogado advogada arq arquiteto arquiteta cel \
     coronel cap capitao capitan ten tenente teniente sgt sargento sargenta cb cabo sd soldado gal general maj major \
     del delegado delegada des dep deputado deputada ver vereador vereadora pref prefeito exmo exma ilmo ilma",
);

/// Words that join the parts of a surname.
pub(super) const PARTICLES: Words = Words("de da do das dos di du del della e y");

/// Only the record of a deceased person has these words.
pub(super) const DECEASED: Words = Words(
    "falecida falecido falecidos fal falec obito finado finada defunto defunta morto morta espolio herdeiro herdeira \
     herdeiros inventario inventariante memoriam saudoso saudosa difunto difunta fallecido fallecida occiso occisa \
     herederos heredera heredero sucesion deceased dead estate heirs rip qepd",
);

/// Only an element of the network has these words. The provider named it after a person or a place
/// near it.
pub(super) const NETWORK: Words = Words(
    "cto ctos olt olts onu onus ont splitter splitters ceo dio pop poste postes caixa emenda backbone switch roteador \
     router antena",
);

/// Words that turn a first name into an invented person: `Zé Ninguém`, `Jane Doe`.
pub(super) const PLACEHOLDERS: Words =
    Words("ninguem nadie nobody doe teste test prueba fulano fulana sicrano beltrano");

/// Only a sentence has these words; a name with one of them is a motto. Accents count: `é` is a
/// verb, `e` is not.
pub(super) const OF_A_SENTENCE: Words = Words(
    "é és sou soy eres somos são está estou estoy não quem quien que te vc vcs ustedes você meu minha meus minhas \
     nosso nossa mi mis tu tus my your our his her you he she is are am be the of for with without com sem con sin \
     para pra por in on at em no na nos nas tudo nada todo sempre siempre nunca never always ama amo amor loves love \
     fiel faithful cristo christ comando controle salva saves vive vivo lives reina cuida guia memoriam doe demais",
);

/// Only the name of a company, a shop or an institution has these words, in any position.
pub(super) const COMPANY: Words = Words(
    "ltda limitada ltd llc inc corp gmbh pty eireli epp mei me cia cnpj srl sac sas spa sl slu filhos irmaos \
     sociedade sociedad anonima company companhia compania corporation holding grupo group empresa empresas \
     empreendimentos empreendimento negocios enterprise enterprises industria industrias industrial comercio \
     comercial comercializadora distribuidora distribuidor atacado atacadao varejo importadora exportadora \
     representacoes servico servicos servicio servicios services service solucoes soluciones solutions consultoria \
     consultores assessoria advocacia advogados abogados contabilidade contadores engenharia ingenieria arquitetura \
     construtora constructora construcoes construcao incorporadora imobiliaria imoveis inmobiliaria condominio \
     condominios cond edificio residencial residence predio loteamento igreja iglesia paroquia parroquia capela \
     catedral ministerio templo assembleia comunidade comunidad congregacao loja lojas tienda tiendas store stores \
     shop shopping mercado mercados mercadinho mercearia supermercado supermercados minimercado hipermercado \
     hortifruti acougue market padaria padarias panaderia panificadora confeitaria bakery restaurante restaurant \
     lanchonete lanches pizzaria pizzeria pizza hamburgueria churrascaria espetinho sorveteria acai cafeteria bar pub \
     boteco adega bolos doces salgados marmitaria escola escolas escuela colegio school creche faculdade universidade \
     universidad university instituto institute curso cursos autoescola clinica clinicas clinic hospital laboratorio \
     consultorio odontologia odonto farmacia farmacias drogaria drogarias pharmacy veterinaria pet petshop otica \
     associacao asociacion association fundacao fundacion foundation ong cooperativa cooperative federacao clube \
     prefeitura municipalidad municipio municipal governo gobierno estadual federal policia delegacia cartorio \
     tribunal sindicato seguros corretora financeira credito telecom telecomunicacoes telecomunicaciones telefonia \
     telefonica net network networks internet wifi fibra fiber provedor proveedor tecnologia technology tech \
     informatica software sistemas systems dados digital online oficina mecanica autopecas autocenter pecas pneus \
     veiculos automoveis motos motors garage combustiveis transportes transportadora logistica fretes turismo viagens \
     hotel hotels pousada hostal hostel motel salao barbearia estetica beleza cabeleireiro nails makeup studio \
     estudio atelie atelier academia fitness moda modas boutique confeccoes calcados variedades papelaria grafica \
     livraria moveis madeireira marcenaria serralheria vidracaria ferragens ferreteria materiais metalurgica usinagem \
     agro agropecuaria agricola fotografia eventos festas buffet producoes media midia radio jornal limpeza seguranca \
     vigilancia lavanderia bebidas gas agua transporte lanhouse lan center centre frigorifico tabacaria quitanda \
     emporio deposito galeria carpintaria funilaria borracharia chaveiro taller peluqueria carniceria verduleria \
     abarrotes libreria zapateria kiosco almacen bodega notaria alcaldia ayuntamiento salon cafe coffee foods \
     consulting construction dental council ministry escritorio choperia cervejaria floricultura joalheria relojoaria \
     marmoraria serraria granja haras inversiones consultora importaciones exportaciones gimnasio hermanos hijos eirl \
     eurl cv sapi brothers bros sons pastelaria doceria quiosque tapiocaria creperia temakeria esfiharia esfihas \
     salgaderia quentinhas marmitas congelados gelados sorvetes cosmeticos perfumaria perfumes bijuterias bijoux \
     semijoias joias brecho bazar armarinho armarinhos tecidos malhas lingerie enxovais cortinas tapetes estofados \
     colchoes eletronicos eletrodomesticos celulares games refrigeracao climatizacao eletrica hidraulica tintas \
     pinturas reformas reparos acessorios utilidades importados presentes brinquedos decoracoes racao racoes aviario \
     nautica bikes bicicletaria motopecas retifica lavajato estacionamento guincho reboque carretos mudancas vans \
     excursoes esportes suplementos crossfit pilates yoga fisioterapia psicologia nutricao depilacao sobrancelhas \
     cilios manicure unhas hair beauty church chapel temple gospel evangelica evangelico catolica pentecostal \
     adventista presbiteriana metodista luterana missionaria delivery ead treinamentos cerimonial locacoes locadora \
     aluguel vidros esquadrias toldos portoes gesso marmores granitos ceramica artesanato artesanatos costuras \
     uniformes sapatos roupas outlet atacadista conveniencia emporium delicatessen burguer grill rotisserie \
     petiscaria pizzas sushi espetos carnes peixaria frutas verduras laticinios queijos graos cereais sementes \
     fertilizantes tratores implementos sorvete bebida distribuicao armazem mercantil varejista copiadora impressoes \
     print design publicidade propaganda produtora filmes foto fotos fotografo imobiliario corretor corretores \
     investimentos contabil despachante advocaticio psicologo nutricionista dentista veterinario detran correios \
     sabesp secretaria ubs upa upas caps cras creas ginasio estadio arena camping chacara pousadas resort flat flats \
     kitnet kitnets barber barbershop coiffure tattoo tatuagem rental rentals tours travel trucking plumbing roofing \
     landscaping cleaning deli diner tavern florist tailors muebles joyeria zapatos ropa ropas repuestos llantas \
     tortilleria papeleria polleria pescaderia fruteria heladeria dulceria cerrajeria lavadero remiseria rotiseria \
     almacenes minimarket panificados confecciones calzados",
);
