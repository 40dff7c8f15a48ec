using System.Text;
using CsCheck;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tests.Tokenization;

public sealed class PatternTests
{
    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.String[Gen.Char["aBks'SſK1٣²é\u0301日😀 \n\r\t\u00a0.,/_-"], 0, 40],
        Gen.String[Gen.Char, 0, 20]).Select(t => WellFormed(t));

    [Theory]
    [InlineData(Llama3)]
    [InlineData(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    [InlineData(@"[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")]
    [InlineData(@"[a-z]{2,4}?|\d+?\d|(?i:[sk])+|(?:a|ab)(?:c|bcd)?")]
    [InlineData(@"[\w&&[^\d]]+$|\W\z|é?.")]
    public void The_automaton_finds_what_a_backtracking_engine_finds(string pattern)
    {
        PatternNode node = PatternParser.Parse(pattern);
        var classes = new List<CodePointSet> { CharacterSets.NewLine };
        PatternClasses.Collect(node, classes);
        SymbolTable symbols = SymbolTable.Build(classes);
        PatternAutomaton? automaton = PatternAutomaton.TryBuild(node, symbols);
        Assert.NotNull(automaton);
        var twin = new PatternRegex(node, symbols);
        s_text.Sample(text => Assert.Equal(All(twin, text), All(automaton, text)), iter: 2000);
    }

    [Fact]
    public void Every_character_that_differs_from_another_in_case_only_is_found()
    {
        for (int c = 0; c < CodePointSet.End; c++)
        {
            if (!Rune.IsValid(c) || Rune.ToUpperInvariant(Rune.ToLowerInvariant(new Rune(c))).Value is var upper && upper == c)
                continue;
            Assert.True(CharacterSets.IgnoreCase(CodePointSet.Of(c)).Contains(upper), $"{c:x} without {upper:x}");
            Assert.True(CharacterSets.IgnoreCase(CodePointSet.Of(upper)).Contains(c), $"{upper:x} without {c:x}");
        }
    }

    [Theory]
    [InlineData(@"\s++$")]
    [InlineData(@"(?<=a)b")]
    [InlineData(@"(?=(\d{3})+(?!\d))")]
    [InlineData(@"\bword\b")]
    [InlineData(@"(?>a|ab)c")]
    public void What_one_character_ahead_cannot_decide_goes_to_the_backtracking_engine(string pattern)
        => Assert.IsType<PatternRegex>(PatternMatcher.Compile(pattern));

    [Theory]
    [InlineData(@"(a)\1", "escape \\1")]
    [InlineData(@"\X", "escape \\X")]
    [InlineData(@"[\p{L}--[a-z]]", "'--' in a class")]
    [InlineData(@"\p{Klingon}", "\\p{Klingon}")]
    [InlineData(@"(?i:aße)", "'ß' ignoring case")]
    [InlineData(@"(?i:off)", "'ff' ignoring case")]
    [InlineData(@"(?a)x", "group option 'a'")]
    [InlineData(@"a{1,100000}", "100000")]
    [InlineData(@"(a", "closing parenthesis")]
    [InlineData(@"a)", "closing parenthesis")]
    [InlineData(@"*a", "nothing to repeat")]
    [InlineData(@"[b-a]", "backwards")]
    [InlineData(@"[]", "empty class")]
    [InlineData(@"a{2}?", "lazy fixed count")]
    public void What_is_not_supported_is_refused_by_name(string pattern, string name)
        => Assert.Contains(name, Assert.Throws<PatternException>(() => PatternMatcher.Compile(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void Groups_nested_without_end_are_refused()
        => Assert.Throws<PatternException>(() => PatternMatcher.Compile(new string('(', 5000) + new string(')', 5000)));

    [Fact]
    public void A_pattern_that_would_search_without_end_is_given_up()
    {
        PatternMatcher matcher = PatternMatcher.Compile("a*b");
        string text = new('a', 200_000);
        var scratch = new MatchScratch();
        scratch.Reset(text.Length);
        Assert.Throws<PatternException>(() => matcher.Find(text, 0, ref scratch, out _, out _));
    }

    private static List<(int, int)> All(PatternMatcher matcher, string text)
    {
        var scratch = new SplitScratch();
        scratch.Match.Reset(text.Length);
        var walk = new MatchWalk(matcher, text, scratch);
        var found = new List<(int, int)>();
        while (walk.Next(out int start, out int end))
            found.Add((start, end));
        return found;
    }

    private static string WellFormed(string text) => Pipeline.Stages.Tokenization.Tokens.WellFormedText.Repair(text);
}
