-- The patient index as the health service has it: one schema on three databases. Statements end with ';' at a line's end.
-- PostgreSQL pads CHAR columns by itself, and gives them out padded.
CREATE TABLE patient (
    nhs_number CHAR(10) NOT NULL PRIMARY KEY,
    nino CHAR(9) NOT NULL,
    family_name CHAR(40) NOT NULL,
    given_name CHAR(40) NOT NULL,
    birth_ddmmyy CHAR(6) NOT NULL, -- two-digit year; everybody here was born in the 1900s
    sex CHAR(1) NOT NULL, -- 1 male, 2 female
    status CHAR(1) NOT NULL, -- 1 registered, 9 deceased
    telephone CHAR(16) NOT NULL,
    gp_code CHAR(6) NOT NULL,
    fixed_address CHAR(1) NOT NULL, -- Y or N
    address_1 CHAR(40) NOT NULL,
    address_2 CHAR(40),
    address_3 CHAR(40),
    address_4 CHAR(40),
    postcode CHAR(8) NOT NULL
);

CREATE TABLE contact_change (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    nhs_number CHAR(10) NOT NULL,
    telephone CHAR(16) NOT NULL,
    changed_at CHAR(19) NOT NULL, -- microseconds are cut
    visible_at DOUBLE PRECISION NOT NULL DEFAULT ((extract(epoch FROM clock_timestamp())::double precision) + 0.15) -- seconds since the epoch: readers see it later than writers wrote it
);
CREATE INDEX contact_change_by_patient ON contact_change (nhs_number, seq);

CREATE TABLE care_plan (
    nhs_number CHAR(10) NOT NULL PRIMARY KEY,
    opened_on CHAR(8) NOT NULL, -- YYYYMMDD
    weekly_hours CHAR(5) NOT NULL, -- implied decimals: 00750 is 7.50 hours
    dependency CHAR(1) NOT NULL, -- 1 to 4
    lives_alone CHAR(1) NOT NULL, -- Y or N
    note VARCHAR(200)
);

CREATE TABLE plan_contact (
    contact_id INTEGER NOT NULL PRIMARY KEY,
    nhs_number CHAR(10) NOT NULL,
    name CHAR(60) NOT NULL,
    relation CHAR(2) NOT NULL, -- 01 spouse, 02 child, 03 neighbour, 04 paid carer
    telephone CHAR(16) NOT NULL,
    keyholder CHAR(1) NOT NULL -- Y or N
);
CREATE INDEX plan_contact_by_patient ON plan_contact (nhs_number);

CREATE TABLE plan_review (
    nhs_number CHAR(10) NOT NULL,
    review_no INTEGER NOT NULL,
    reviewed_on CHAR(8) NOT NULL, -- YYYYMMDD
    outcome CHAR(2) NOT NULL, -- NC no change, UP more hours, DN fewer
    remark VARCHAR(200),
    PRIMARY KEY (nhs_number, review_no)
);

-- What readers see of a patient: a change of telephone only once it is visible.
CREATE VIEW patient_now AS
SELECT p.nhs_number, p.nino, p.family_name, p.given_name, p.birth_ddmmyy, p.sex, p.status,
    COALESCE((SELECT c.telephone FROM contact_change c
              WHERE c.nhs_number = p.nhs_number AND c.visible_at <= (extract(epoch FROM clock_timestamp())::double precision)
              ORDER BY c.seq DESC LIMIT 1), p.telephone) AS telephone,
    p.gp_code, p.fixed_address, p.address_1, p.address_2, p.address_3, p.address_4, p.postcode
FROM patient p;

-- Contacts come in no order, and in another one each time.
CREATE VIEW contact_list AS
SELECT c.contact_id, c.nhs_number, c.name, c.relation, c.telephone, c.keyholder
FROM plan_contact c
ORDER BY random();
