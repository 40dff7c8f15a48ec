using Pipeline.Contracts.Records;
using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Tests.Chat;

/// <summary>The case of letters, and surplus arguments of macros. What is expected was taken by hand from jinja2 3.1.2 on Python 3.11.</summary>
public sealed class TemplateCaseTests
{
    private const string Letters = "ß İ ﬁ ŉ ΑΣ ǆ";

    [Theory]
    [InlineData("{{ messages[0].content | upper }}", "SS İ FI ʼN ΑΣ Ǆ")]
    [InlineData("{{ messages[0].content.upper() }}", "SS İ FI ʼN ΑΣ Ǆ")]
    [InlineData("{{ messages[0].content.lower() }}", "ß i̇ ﬁ ŉ ας ǆ")]
    [InlineData("{{ messages[0].content | lower }}", "ß i̇ ﬁ ŉ ας ǆ")]
    [InlineData("{{ messages[0].content | title }}", "SS İ FI ʼN Ασ Ǆ")]
    [InlineData("{{ messages[0].content.title() }}", "Ss İ Fi ʼN Ας ǅ")]
    [InlineData("{{ messages[0].content | capitalize }}", "Ss i̇ ﬁ ŉ ας ǆ")]
    [InlineData("{{ messages[0].content.capitalize() }}", "Ss i̇ ﬁ ŉ ας ǆ")]
    [InlineData("{% macro f(a) %}{{ varargs }}{% endmacro %}{{ f(1, 2) }}", "(2,)")]
    [InlineData("{% macro f(a) %}{{ varargs | length }}{% endmacro %}{{ f(1) }}", "0")]
    [InlineData("{% macro f(a) %}{{ kwargs }}{% endmacro %}{{ f(1, b=2) }}", "{'b': 2}")]
    public void Letters_change_as_in_Python(string template, string expected)
        => Assert.Equal(expected, ChatTemplate.Parse(template, "x").Render(new Conversation([new ChatMessage("user", Letters)]), new Dictionary<string, string>()).Text);
}
