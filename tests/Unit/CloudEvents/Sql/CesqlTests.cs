using Knet.CloudEvents;
using Knet.CloudEvents.Sql;
using Xunit;

namespace Knet.Tests.Unit.CloudEvents.Sql;

public sealed class CesqlTests
{
    private static readonly CloudEvent Event = CloudEvent.Create("i1", "/shop", "order.placed").WithAll(
        new("subject", "Anna"), new("count", "7", AttributeKind.Integer), new("paid", "true", AttributeKind.Boolean), new("weight", "12"));

    [Theory]
    // Literals and escapes.
    [InlineData("'it\\'s'", "it's")]
    [InlineData("\"say \\\"hi\\\"\"", "say \"hi\"")]
    [InlineData("'it''s'", "it''s")]
    [InlineData("-2147483648", "-2147483648")]
    [InlineData("+5", "5")]
    // Attributes: names without case, types kept.
    [InlineData("Type", "order.placed")]
    [InlineData("count + 1", "8")]
    [InlineData("paid", "true")]
    [InlineData("weight * 2", "24")]
    // Precedence.
    [InlineData("2 + 3 * 4", "14")]
    [InlineData("20 / 3 % 4", "2")]
    [InlineData("10-2-3", "5")]
    [InlineData("- - 3", "3")]
    [InlineData("-7 / 2", "-3")]
    [InlineData("-7 % 3", "-1")]
    [InlineData("2147483647 + 1", "-2147483648")]
    [InlineData("-2147483648 / -1", "-2147483648")]
    [InlineData("NOT TRUE = FALSE", "true")]
    [InlineData("1 < 2 = TRUE", "true")]
    [InlineData("2 * 3 IN (3)", "2")]
    // Logic has one level and groups from the right.
    [InlineData("FALSE AND TRUE OR TRUE", "false")]
    [InlineData("TRUE XOR TRUE OR TRUE", "false")]
    [InlineData("(FALSE AND TRUE) OR TRUE", "true")]
    [InlineData("TRUE OR nothere = 'a'", "true")]
    [InlineData("FALSE AND nothere = 'a'", "false")]
    [InlineData("not paid xor true", "true")]
    // Casts: the right operand decides for equality, the left one for IN.
    [InlineData("1 = 'x'", "false")]
    [InlineData("weight = 12", "true")]
    [InlineData("12 = weight", "true")]
    [InlineData("'true' = TRUE", "true")]
    [InlineData("TRUE = 'TRUE'", "false")]
    [InlineData("count <> 8", "true")]
    [InlineData("count IN ('6', '7')", "true")]
    [InlineData("subject NOT IN ('Berta', 'Carl')", "true")]
    [InlineData("NOT 10", "false")]
    // LIKE.
    [InlineData("type LIKE 'order.%'", "true")]
    [InlineData("type NOT LIKE '%.paid'", "true")]
    [InlineData("'a%c' LIKE 'a\\%c'", "true")]
    [InlineData("'abc' LIKE 'a\\%c'", "false")]
    [InlineData("'a\\c' LIKE 'a\\c'", "true")]
    [InlineData("'é!' LIKE '_!'", "true")]
    [InlineData("count LIKE '_'", "true")]
    [InlineData("'aaaaaaaaab' LIKE '%a%a%a%b'", "true")]
    [InlineData("'' LIKE '%'", "true")]
    // EXISTS.
    [InlineData("EXISTS subject AND EXISTS id", "true")]
    [InlineData("EXISTS time", "false")]
    [InlineData("NOT EXISTS nothere", "true")]
    // Functions.
    [InlineData("length('é€')", "2")]
    [InlineData("CONCAT('a', 1, TRUE)", "a1true")]
    [InlineData("CONCAT_WS('-', 'a', 2, 'c')", "a-2-c")]
    [InlineData("LEFT('Grüße', 3)", "Grü")]
    [InlineData("RIGHT('Grüße', 3)", "üße")]
    [InlineData("RIGHT('x', 3)", "x")]
    [InlineData("SUBSTRING('abcdef', -3, 2)", "de")]
    [InlineData("SUBSTRING('abcdef', 5, 9)", "ef")]
    [InlineData("SUBSTRING('abc', 0)", "")]
    [InlineData("IS_INT(weight) AND NOT IS_INT(subject)", "true")]
    [InlineData("IS_BOOL('x')", "false")]
    [InlineData("ABS(-3) + INT('4')", "7")]
    [InlineData("TRIM(' a ')", "a")]
    [InlineData("UPPER(subject)", "ANNA")]
    public void Value(string text, string value)
    {
        var (result, error) = CesqlExpression.Parse(text).Evaluate(Event);
        Assert.Null(error);
        Assert.Equal(value, result.ToString());
    }

    [Theory]
    [InlineData("5 / 0", "0", CesqlErrorKind.Math)]
    [InlineData("TRUE AND 1 = 1 % 0", "false", CesqlErrorKind.Math)]
    [InlineData("ABS(-2147483648)", "2147483647", CesqlErrorKind.Math)]
    [InlineData("'x' = 1", "false", CesqlErrorKind.Cast)]
    [InlineData("INT('2147483648')", "0", CesqlErrorKind.Cast)]
    [InlineData("INT(' 1')", "0", CesqlErrorKind.Cast)]
    [InlineData("BOOL('yes')", "false", CesqlErrorKind.Cast)]
    [InlineData("subject + 1", "0", CesqlErrorKind.Cast)]
    [InlineData("nothere", "false", CesqlErrorKind.MissingAttribute)]
    [InlineData("nothere * 5", "0", CesqlErrorKind.MissingAttribute)]
    [InlineData("1 / nothere", "0", CesqlErrorKind.MissingAttribute)]
    [InlineData("NOT nothere", "false", CesqlErrorKind.MissingAttribute)]
    [InlineData("nothere != 'a'", "false", CesqlErrorKind.MissingAttribute)]
    [InlineData("nothere NOT LIKE 'a'", "false", CesqlErrorKind.MissingAttribute)]
    [InlineData("nothere = 'a' OR TRUE", "false", CesqlErrorKind.MissingAttribute)]
    [InlineData("CONCAT('a', nothere)", "", CesqlErrorKind.MissingAttribute)]
    [InlineData("NOWHERE(1)", "false", CesqlErrorKind.MissingFunction)]
    [InlineData("LENGTH()", "false", CesqlErrorKind.MissingFunction)]
    [InlineData("LEFT('abc', -1)", "abc", CesqlErrorKind.FunctionEvaluation)]
    [InlineData("SUBSTRING('abc', 4)", "", CesqlErrorKind.FunctionEvaluation)]
    [InlineData("SUBSTRING('abc', 2, -5)", "", CesqlErrorKind.FunctionEvaluation)]
    public void Error_WithTheZeroValueOfItsType(string text, string value, CesqlErrorKind kind)
    {
        var (result, error) = CesqlExpression.Parse(text).Evaluate(Event);
        Assert.Equal(kind, error!.Kind);
        Assert.Equal(value, result.ToString());
        Assert.False(CesqlExpression.Parse(text).IsTrue(Event));
    }

    [Theory]
    [InlineData("", "the expression ends where a value was expected at position 1")]
    [InlineData("ABC(", "the expression ends where a value was expected at position 5")]
    [InlineData("1 IN ()", "\")\" stands where a value was expected at position 7")]
    [InlineData("a LIKE 123", "\"123\" stands where a pattern in quotes was expected at position 8")]
    [InlineData("a b", "\"b\" stands where an operator or the end was expected at position 3")]
    [InlineData("'abc", "the string is not closed at position 1")]
    [InlineData("2147483648", "2147483648 does not fit 32 bits at position 1")]
    [InlineData("a & b", "unexpected character U+0026 at position 3")]
    [InlineData("EXISTS and", "\"and\" stands where the name of an attribute was expected at position 8")]
    [InlineData("my_ext = 1", "\"my_ext\" stands where the name of an attribute was expected at position 1")]
    [InlineData("+ 5", "+ stands before no number at position 1")]
    [InlineData("(1", "the expression ends where \")\" was expected at position 3")]
    public void SyntaxErrors_SayWhatAndWhere(string text, string message) =>
        Assert.Equal(message, Assert.Throws<CesqlParseException>(() => CesqlExpression.Parse(text)).Message);

    [Fact]
    public void Limits_AreRefusedNotCrashed()
    {
        Assert.Contains("nests deeper", Refused(new string('(', 1000)), StringComparison.Ordinal);
        Assert.Contains("nests deeper", Refused(string.Concat(Enumerable.Repeat("NOT ", 1000)) + "TRUE"), StringComparison.Ordinal);
        Assert.Contains("parts", Refused(string.Join(" + ", Enumerable.Repeat("1", 100_000))), StringComparison.Ordinal);
        var long_ = string.Join(" AND ", Enumerable.Repeat("TRUE", 900));
        Assert.True(CesqlExpression.Parse(long_).IsTrue(Event));
        static string Refused(string text) => Assert.Throws<CesqlParseException>(() => CesqlExpression.Parse(text)).Message;
    }

    [Fact]
    public void OwnFunctions_AreCalledWithCastArguments()
    {
        CesqlFunction twice = new("TWICE", [CesqlType.Integer], null, CesqlType.Integer, a => (CesqlValue.Of(a[0].Number * 2), null));
        Assert.Equal("24", CesqlExpression.Parse("twice(weight)", [twice]).Evaluate(Event).Value.ToString());
    }

    [Fact]
    public void ComparingAttributes_AllocatesNothing()
    {
        var expression = CesqlExpression.Parse("type LIKE 'order.%' AND source = '/shop' AND NOT EXISTS nothere AND subject IN ('x', 'Anna')");
        Assert.True(expression.IsTrue(Event));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            expression.IsTrue(Event);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
