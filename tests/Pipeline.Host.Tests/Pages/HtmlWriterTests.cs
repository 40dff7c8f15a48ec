using Pipeline.Host.Pages;

namespace Pipeline.Host.Tests.Pages;

public sealed class HtmlWriterTests
{
    [Fact]
    public void Texts_and_attributes_are_escaped()
    {
        var html = new HtmlWriter();
        html.Element("p", "<script>alert('x')</script> & more", ("title", "\"><b>"), ("class", null));
        Assert.Equal("<p title=\"&quot;&gt;&lt;b&gt;\">&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more</p>", html.ToString());
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.5142591, "0.5143")]
    [InlineData(10.0547, "10.05")]
    [InlineData(1234.56, "1,235")]
    [InlineData(76264, "76,264")]
    [InlineData(0.00001234, "1.234e-5")]
    public void A_number_has_four_digits_that_count(double value, string text) => Assert.Equal(text, Figures.Number(value));
}
