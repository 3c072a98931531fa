"""What passwords are most often made of: words, names, runs of keys. Lower case, letters only unless digits belong to it."""

from __future__ import annotations

from typing import Final

COMMON: Final = frozenset(
    """
    password passwort passw0rd pass pa55word motdepasse contrasena wachtwoord parola haslo senha parol salasana losenord
    admin administrator root toor superuser sysadmin operator manager guest user username account owner master default
    welcome letmein login logon signin signup enter access changeme changeit temporary temp test testing tester testuser
    secret mysecret topsecret hidden private secure security unlock openup opensesame trustno trustnoone iloveyou loveyou
    ilovejesus ilovegod loveme lovely lover love forever always princess prince queen king angel angels babygirl babyboy
    baby sweetheart sweetie sweet honey darling beautiful gorgeous sunshine moonlight starlight rainbow butterfly flower
    flowers blossom summer winter spring autumn january february march april june july august september october november
    december monday tuesday wednesday thursday friday saturday sunday qwerty qwertyui qwertyuiop qwertz qwertzuiop azerty
    azertyuiop asdf asdfgh asdfghjk asdfghjkl zxcv zxcvbn zxcvbnm yxcvbnm qwer qwert qweasd qweasdzxc qazwsx qazwsxedc
    qazwsxedcrfv wsxedc zaqwsx zaqxsw abcd abcde abcdef abcdefg abcdefgh abcdefghij abc abcabc aaa aaaa bbb xxx xyz
    dragon dragons monkey tiger tigers lion lions eagle eagles falcon hawk wolf wolves panther jaguar leopard bear bears
    horse horses pony dog doggy puppy kitty kitten cat cats bird birds fish dolphin dolphins shark spider snake cobra
    football soccer baseball basketball hockey tennis golf golfer rugby cricket volleyball swimming running cycling
    skateboard snowboard surfer skiing fishing hunting boxing wrestling karate champion winner player gamer gaming
    liverpool arsenal chelsea manchester barcelona realmadrid juventus milan bayern dortmund celtic rangers yankees
    lakers cowboys steelers packers redsox dodgers giants broncos raiders chargers warriors bulls celtics
    superman batman spiderman ironman wolverine hulk thor avengers superhero starwars startrek skywalker darthvader
    matrix pokemon pikachu naruto sasuke minecraft fortnite roblox counterstrike warcraft starcraft zelda mario sonic
    nintendo playstation xbox computer internet laptop desktop keyboard mouse monitor server system windows linux ubuntu
    apple google facebook twitter instagram youtube microsoft amazon samsung nokia yahoo hotmail gmail android iphone
    michael michelle jessica jennifer jordan ashley daniel david andrew robert thomas joshua matthew anthony charlie
    jasmine nicole amanda samantha hannah sarah elizabeth stephanie patricia christopher alexander alexandra benjamin
    william richard joseph jonathan nicholas nathan brandon justin austin tyler dylan hunter cooper harley buster maggie
    bailey ginger pepper shadow midnight thunder lightning storm phoenix ranger cowboy pirate ninja samurai knight wizard
    magic merlin mustang corvette ferrari porsche mercedes camaro chevy yamaha honda toyota suzuki ducati
    money dollar million billion rich lucky success freedom liberty justice peace hope faith jesus jesuschrist christ
    blessed blessing heaven god godisgood church bible prayer hello goodbye hellohello hithere whatever nothing something
    everything anything somebody nobody please thankyou fuckyou fuckoff asshole bitch sexy pussy
    chocolate cookie cookies cheese banana orange strawberry cherry lemon coffee pizza icecream candy sugar bubbles
    purple yellow blue green red black white silver golden diamond crystal platinum america canada london paris berlin
    newyork chicago dallas texas california florida boston brazil mexico india china japan france germany england
    correcthorsebatterystaple passphrase mypassword yourpassword thepassword newpassword oldpassword
    adminadmin rootroot testtest userpassword adminpassword rootpassword loginpassword companypassword railway railwaysaas
    platform production staging development developer example sample demo demodemo company office business database
    postgres postgresql redis mysql oracle docker kubernetes ghost wordpress
    """.split()  # noqa: SIM905 - a list of quoted words could not be read
)
"""A password that is one of these with digits and signs around it, or repeated, is guessed first."""
