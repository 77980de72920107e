//! The words that decide whether a name is greeted, in Portuguese, Spanish and English, as lists.
//!
//! A word without an accent stands for every spelling of it, a word with one only for itself: `irmã` is a sister, `Irma`
//! is a name. It must never hold a common first name, except in `FIRST_NAMES`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A list of words, in lower case, separated by blanks.
pub(super) struct Words(&'static str);

impl Words {
    /// Whether a word in lower case is in the list.
    pub(super) fn have(&self, word: &str) -> bool {
        let plain: String = word.nfd().filter(|c| !is_combining_mark(*c)).collect();
        self.all().any(|known| known == word || known == plain)
    }

    /// Whether a word in lower case is in the list with just its accents.
    pub(super) fn have_exactly(&self, word: &str) -> bool {
        self.all().any(|known| known == word)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.0.split_ascii_whitespace()
    }
}

/// What stands before a name. The word after it is greeted only when it is in `FIRST_NAMES`: `Dr Silva` is a surname.
pub(super) const TITLES: Words = Words(
    "dr dra drs doutor doutora doctor doctora sr sra srs sras srta senhor senhora senhorita senor senora senorita dom \
     don dona doña seu sinha prof profa profe professor professora profesor profesora pr pra pe pastor pastora padre \
     frei reverendo reverenda rev bispo bp mr mrs ms mx miss mister sir lady madam madame eng enga engenheiro \
     engenheira ing ingeniero ingeniera lic licenciado licenciada adv advogado advogada arq arquiteto arquiteta cel \
     coronel cap capitao capitan ten tenente teniente sgt sargento sargenta cb cabo sd soldado gal general maj major \
     del delegado delegada des dep deputado deputada ver vereador vereadora pref prefeito exmo exma ilmo ilma",
);

/// What joins the parts of a surname or stands before a saint; no first name begins with it.
pub(super) const PARTICLES: Words = Words(
    "de da do das dos di du del della dello delos las los la lo el le les e y i o a os as um uma un una and the von \
     van der den ter ten zu bin ibn abu sao san santo santa saint st sta sto",
);

/// Surnames that are no first names: some systems write them first.
pub(super) const SURNAMES: Words = Words(
    "silva souza sousa oliveira pereira ferreira rodrigues almeida gomes ribeiro carvalho lopes fernandes goncalves \
     nascimento araujo barbosa cardoso teixeira moreira correia correa cavalcante cavalcanti monteiro mendes freitas \
     vieira machado nunes pinto moura santos costa ramos rocha dias marques martins alves andrade azevedo batista \
     borges campos castro coelho cunha farias figueiredo fonseca guimaraes melo mello morais moraes nogueira novaes \
     pires queiroz reis sales sampaio siqueira tavares vasconcelos gonzalez gonzales rodriguez fernandez lopez perez \
     sanchez ramirez gomez garcia martinez hernandez diaz torres flores rivera gutierrez alvarez jimenez vargas smith \
     brown",
);

/// First names that are surely one, also after a title.
pub(super) const FIRST_NAMES: Words = Words(
    "ademir adilson adriana adriano agatha alan alberto aldo alejandra alejandro alessandra alex alexandra alexandre \
     alice aline alisson allan amanda ana anderson andre andrea andreia andres andrew angela angelica angelo anita \
     anna anne antonia antonio aparecida ariane arthur artur augusto aurora barbara beatriz benedito benjamin \
     bernardo bianca bruna bruno caio camila carina carla carlos carmen carolina caroline cassia catarina cecilia \
     celia celso cesar charles christian cicero cintia claudia claudio clara cleber cleide clovis cristiana cristiane \
     cristiano cristina dalva daniel daniela daniele danilo david davi debora denise diana diego diogo dirce douglas \
     edilson edna edson eduarda eduardo elena elaine eliana eliane elias elisa elisabete elizabeth elza emanuel emily \
     emma enrique enzo erica erika ernesto estela esteban ester eva evandro everton fabiana fabiano fabio fatima \
     felipe fernanda fernando flavia flavio flor francisca francisco frank gabriel gabriela george geraldo gerson \
     gilberto giovana giovanna gisele gloria graca guilherme gustavo heitor helena helio heloisa henrique hugo iara \
     igor ines ingrid irene isabel isabela isabella isadora ivan ivone jaime jair jaqueline james jane janaina javier \
     jean jennifer jessica joana joao joaquim joel john jonas jorge jose joseph josefa joyce juan juana julia juliana \
     juliano julio karen karina karla katia kelly lais lara larissa laura lauro lea leandro leila leonardo leonor \
     leticia lia lidia lilian liliana linda livia lorena lorenzo lourdes luan luana lucas lucia luciana luciano luis \
     luisa luiz luiza lurdes luzia maicon manoel manuel manuela mara marcel marcela marcelo marcia marcio marco \
     marcos margarida margarita maria mariana mariano marina mario marisa marlene marta mary mateus matheus mauricio \
     mauro maximo mayara melissa mercedes mia michael michele miguel milena milton miriam monica murilo nadia natalia \
     nathalia neide nelson neusa nicolas nicole nilton norma odete olga olivia orlando oscar otavio pablo pamela \
     patricia paul paula paulo pedro peter pietro priscila rafael rafaela ramon raquel raul rebeca regina reginaldo \
     renan renata renato ricardo rita robert roberta roberto robson rodolfo rodrigo rogerio romulo ronaldo rosa \
     rosana rosangela rose roseli rosemary ruan rubens rui ruth samuel sandra sara sarah sebastiao sergio sheila \
     silvana silvia silvio simone sofia solange sonia sophia stella suelen sueli susan susana suzana tania tatiana \
     teresa tereza terezinha thais thiago thomas tiago tomas valentina valeria valter vanessa vera veronica vicente \
     victor victoria vilma vinicius virginia vitor vitoria viviane wagner walter wanda wellington wesley william \
     wilson ximena yara yasmin yolanda zelia ze zeca zilda zoe taina luciane gilmar gilson valdir valdemar vania \
     vilson nair nilza ivete iris",
);

/// Names of two letters. Any other two letters are an abbreviation or a word.
pub(super) const SHORT_NAMES: Words = Words("ze jô jó jo li lu ed bo ju gi su cy ty xu yu lé lô");

/// What a platform, a form or a clerk writes where no name is known, and what is no name at the beginning of one.
pub(super) const PLACEHOLDERS: Words = Words(
    "null nulo nula nil none nan undefined indefinido indefinida unknown desconhecido desconhecida desconocido \
     desconocida true false verdadeiro verdadero falso yes sim no not na object objeto objetos array string number \
     boolean function symbol promise infinity error erro invalid invalido invalida empty vazio vazia vacio blank \
     branco default padrao value valor var variable variavel text texto example exemplo ejemplo sample demo test \
     teste testes tester testing testando prueba pruebas temp tmp todo foo baz lorem ipsum abc xyz xpto asd asdf \
     asdasd qwe qwerty haha hahaha usuario usuaria usuarios user users username utilizador utente guest convidado \
     convidada invitado invitada huesped visitante visitantes visitor visita lead leads prospect prospecto anonimo \
     anonima anonymous anon oculto oculta hidden privado private deleted excluido excluida removido removida \
     cancelado cancelada bloqueado inativo inativa inadimplente name nome nombre nomes first last full sobrenome \
     apellido apelido apodo nickname nick your meu minha mi nosso nossa tu sua sem sin without fulano fulana beltrano \
     beltrana ciclano ciclana sicrano sicrana mengano mengana zutano perengano cliente clientes client clients \
     customer customers consumidor consumidora consumer assinante assinantes subscriber suscriptor abonado titular \
     morador moradora inquilino inquilina proprietario proprietaria propietario propietaria tenant owner dono \
     responsavel member membro miembro contato contatos contacto contactos contact contacts pessoa pessoal persona \
     personal person people someone somebody alguem alguien ninguem nadie nobody nenhum novo nova nuevo nueva new \
     reserva reservas reserve reservation contrato protocolo pedido ticket plano codigo code instalacao cancelamento \
     cancelar cpf rg cep dni id email mail telefone fone tel celular phone mobile whatsapp whats zap wpp telegram \
     youtube tiktok twitter instagram insta facebook messenger google iphone android samsung galaxy xiaomi motorola \
     webchat chat site website web app admin administrador administradora administrator root system sistema bot \
     chatbot robo robot assistente asistente assistant atendente atendimento agente agent operador operadora operator \
     suporte soporte support sac vendas vendedor vendedora ventas sales comercial financeiro cobranca marketing \
     recepcao recepcion portaria secretaria gerencia gerente gerenta diretor diretora director directora manager \
     chefe jefe boss patrao patroa equipe equipo team tecnico tecnica motorista entregador entregadora uber ifood \
     delivery eletricista pedreiro diarista porteiro porteira sindico sindica info oi ola alo hola hello hi hey bom \
     boa bem buen buenos buenas good tchau obrigado obrigada gracias thanks senha password login espolio herdeiros \
     falecido falecida viuva viuvo interessado interessada solicitante requerente destinatario remetente comprador \
     compradora buyer paciente aluno aluna firstname lastname fullname displayname profilename pushname customername \
     clientname nomecliente nomecompleto nao fco fca gpe numero unavailable restricted blocked withheld caller \
     wireless disponivel indisponivel pendente quero queria quiero gostaria want please trabalho trabajo work home \
     office business claro motoboy taxi chamada llamada",
);

/// What people write into a profile in place of their name: family, love, faith and jokes.
pub(super) const PROFILES: Words = Words(
    "deus dios god jeova jehova senhor so solo only eu euzinha yo myself mae mãezinha mamae mama mami mamãe pai papai \
     papa papi paizinho vovo vovó vovô abuela abuelo filho filha filhos hijo hija irmão irmã hermano hermana tio tia \
     primo prima esposa esposo marido sogra sogro madrinha padrinho mom mum mommy dad daddy mother father wife \
     husband brother sister son daughter amor amorzinho amore vida love life meuamor paixao mozao mozão mozi bebe \
     baby babe princesa principe princess prince rainha reina queen king gata gato gatinha gatinho querida querido \
     loirinha loira moreninha neguinha neguinho nego nega negao gordo gorda gordinho gordinha magrao careca doido \
     doida louco louca loco loca maluco maluca mano mina cara parceiro parça amigo amiga amigos friend vizinho \
     vizinha homem mulher rapaz moça moca menino menina hombre mujer niña man woman boy girl guy bro dude familia \
     familias family casal gratidao gratitud fe foco força forca feliz felicidade happy saudade saudades luto sorriso \
     smile anjo anjinho sonho sonhos dream dreams money dinheiro sucesso virgem virgen ave espirito nazareno flamengo \
     corinthians palmeiras gremio brasil brazil argentina mexico portugal tudo nada nunca sempre siempre que quem \
     quien como onde ainda hoje carpe live laugh viva vivo vamos fora ele ela nos voce vc vcs esse essa este esta \
     isso aqui minhas meus my our the best bad big abencoado abencoada bencao blessed bendecido bendecida bendicion \
     guerreiro guerreira alegria saude sorte time menor batman superman goku naruto coringa joker chefinho cielo \
     corazon coracao heart vencedor vencedora amem amen aleluia gracas",
);

/// A place or an institution in place of a name; as a surname each of them is real.
pub(super) const PLACES: Words = Words(
    "casa casas lar torre rua avenida av travessa quadra lote bloco apto apt apartamento ap sala andar sitio chacara \
     fazenda finca rancho vila jardim jd parque praça praca centro conjunto calle carrera bairro barrio km cidade \
     ciudad camara banco posto church barber burger bank auto central ponto rede espaco nucleo zona",
);

/// Only a sentence has these; a name with one of them is a motto. Compared as written: `é` is a verb, `e` is not.
pub(super) const OF_A_SENTENCE: Words = Words(
    "é és sou soy eres somos são está estou estoy não quem quien que te vc vcs ustedes você meu minha meus minhas \
     nosso nossa mi mis tu tus my your our his her you he she is are am be the of for with without com sem con sin \
     para pra por in on at em no na nos nas tudo nada todo sempre siempre nunca never always ama amo amor loves love \
     fiel faithful cristo christ comando controle salva saves vive vivo lives reina cuida guia memoriam doe demais",
);

/// Only a company, a shop or an institution has these, anywhere in its name.
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
     eurl cv sapi brothers bros sons",
);
