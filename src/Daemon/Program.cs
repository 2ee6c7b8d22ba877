System.Console.WriteLine("knetd");
